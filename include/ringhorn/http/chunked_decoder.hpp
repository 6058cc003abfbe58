/// ChunkedDecoder takes the chunked transfer coding off a body (RFC 9112 §7.1): strict grammar,
/// bounded extensions, trailers checked and dropped, and no more framing than a body may be long. A
/// part of RequestParser, tested alone. It never looks for a place to go on after an error: the
/// bytes behind one belong to nobody.
///
///     chunked-body = *( 1*HEXDIG [ext] CRLF  data CRLF )  1*"0" [ext] CRLF  *( field CRLF )  CRLF
///     ext          = *( ";" token [ "=" ( token / quoted-string ) ] )
///
/// It is a machine of one byte a step outside of data, so that a body may be cut anywhere and only
/// the data is ever held by the caller. White space around `;` and `=`, which RFC 9112 §7.1.1 calls
/// bad, is refused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <ringhorn/http/head.hpp>

namespace ringhorn::http {

class ChunkedDecoder {
 public:
  enum class Event : std::uint8_t { need_more, data, end, error };
  struct Step {
    Event event;
    std::size_t consumed;
  };

  /// Makes ready for the next body, whose head had that many fields in that many bytes: trailers
  /// count against the same limits.
  void reset(std::uint32_t field_count = 0, std::uint32_t field_bytes = 0) noexcept;
  /// The same contract as RequestParser::next, for one body. Data of neighbouring small chunks is
  /// moved together inside `unread`, so that a flood of them gives few events.
  Step next(std::span<char> unread, const Limits& limits);
  /// After `data`: a non-empty view into the bytes given.
  std::string_view data() const noexcept { return data_; }
  /// After `error`.
  const RequestError& error() const noexcept { return error_; }

 private:
  enum class State : std::uint8_t {
    size_begin,
    size,
    size_lf,
    extension_name_begin,
    extension_name,
    extension_value_begin,
    extension_token,
    extension_quoted,
    extension_escape,
    extension_quoted_end,
    data,
    data_cr,
    data_lf,
    trailer_begin,
    trailer_name,
    trailer_value,
    trailer_lf,
    last_lf,
    done,
    failed,
  };

  void step(char byte, const Limits& limits) noexcept;
  void step_size(char byte) noexcept;
  void step_extension(char byte, const Limits& limits) noexcept;
  void step_trailer(char byte, const Limits& limits) noexcept;
  void begin_data(const Limits& limits) noexcept;
  void end_trailer_name() noexcept;
  void expect(char byte, char wanted, State next_state, const char* reason) noexcept;
  void fail(int status, const char* reason) noexcept;

  State state_ = State::size_begin;
  std::uint8_t digits_ = 0;            // of the chunk size
  std::uint8_t name_size_ = 0;         // of the trailer's name, as far as it is kept
  std::array<char, 21> name_{};        // the longest name that is looked for, and one more
  std::uint32_t extension_bytes_ = 0;  // of all chunks
  std::uint32_t field_count_ = 0;      // of head and trailers
  std::uint32_t field_bytes_ = 0;
  std::uint32_t line_bytes_ = 0;     // of this trailer
  std::uint64_t left_ = 0;           // of this chunk
  std::uint64_t decoded_ = 0;        // of all chunks, announced ones included
  std::uint64_t framing_bytes_ = 0;  // everything that is not data
  std::string_view data_;
  RequestError error_;
};

}  // namespace ringhorn::http
