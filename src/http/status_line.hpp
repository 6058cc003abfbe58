/// The status lines of HTTP/1.1, rendered at compile time. Called by ResponseWriter per response.
#pragma once

#include <string_view>

namespace ringhorn::http {

/// `HTTP/1.1 200 OK` CRLF; empty for a status without a registered reason phrase.
std::string_view status_line(int status) noexcept;

}  // namespace ringhorn::http
