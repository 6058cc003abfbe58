/// ChunkedDecoder takes the chunked transfer coding off a body (RFC 9112 §7.1): strict grammar,
/// bounded extensions, trailers checked and dropped. A part of RequestParser, tested alone.
#pragma once

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

  /// Makes ready for the next body.
  void reset() noexcept { *this = ChunkedDecoder(); }
  /// The same contract as RequestParser::next, for one body.
  Step next(std::span<char> unread, const Limits& limits);
  /// After `data`: a non-empty view into the bytes given.
  std::string_view data() const noexcept { return data_; }
  /// After `error`.
  const RequestError& error() const noexcept { return error_; }

 private:
  // The implementer's: state, chunk bytes left, digits seen, extension and trailer budgets.
  std::string_view data_;
  RequestError error_;
};

}  // namespace ringhorn::http
