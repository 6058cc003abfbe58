/// escape makes bytes of a peer fit for a log: one line, printable ASCII, readable back. Called for
/// every access line and wherever a message quotes what came from outside (CVE-2020-7694).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>

namespace ringhorn::telemetry {

/// What one byte becomes at most: `\xNN`.
inline constexpr std::size_t escaped_bytes_max = 4;

/// Appends `text` with CR, LF, ESC, other controls, `"`, `\` and bytes from 0x7F on as `\xNN`.
void escape(std::string_view text, base::ByteBuffer& out);
/// The same to raw memory; returns the end of what was written.
/// REQUIRES: room for escaped_bytes_max * text.size() bytes at `out`.
char* escape_to(char* out, std::string_view text) noexcept;
/// The same as a string.
std::string escaped(std::string_view text);

}  // namespace ringhorn::telemetry
