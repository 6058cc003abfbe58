/// The bodies of the responses that the server gives on its own. They say nothing about what
/// exactly was wrong: that is for the log.
#pragma once

#include <string_view>

namespace ringhorn::net {

/// One sentence for a status that the server itself answers with; uvicorn's texts where it has one.
std::string_view refusal_text(int status) noexcept;

}  // namespace ringhorn::net
