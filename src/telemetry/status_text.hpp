/// The end of an access line: status code and reason phrase. Called by Log.
#pragma once

#include <string_view>

namespace ringhorn::telemetry {

/// The phrase of RFC 9110 §15 and the IANA registry, as Python 3.13's `http.HTTPStatus` has them;
/// empty for others.
std::string_view phrase_of(int status) noexcept;

/// uvicorn's colour for the class of `status`, as an escape sequence; empty for none.
std::string_view color_of(int status) noexcept;

}  // namespace ringhorn::telemetry
