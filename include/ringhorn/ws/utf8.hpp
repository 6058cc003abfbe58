/// Utf8Validator checks UTF-8 (RFC 3629) that comes in pieces, cut anywhere, and refuses at the
/// first byte that cannot go on: no overlong forms, no surrogates, nothing above U+10FFFF. Used for
/// text messages and close reasons.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringhorn::ws {

class Utf8Validator {
 public:
  /// False at the first byte after which no continuation could be valid; then only reset() helps.
  bool feed(std::string_view bytes) noexcept;
  /// True when no character is cut in two: the text may end here.
  bool complete() const noexcept { return state_ == 0; }
  /// True while all bytes since reset() were below 0x80.
  bool ascii() const noexcept { return ascii_; }
  void reset() noexcept { *this = Utf8Validator(); }

 private:
  std::uint8_t state_ = 0;  // what the character that has begun still needs: utf8.cpp
  bool ascii_ = true;
};

/// The whole of `text` at once.
inline bool is_utf8(std::string_view text) noexcept {
  Utf8Validator validator;
  return validator.feed(text) && validator.complete();
}

}  // namespace ringhorn::ws
