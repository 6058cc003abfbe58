/// RequestBody is the body of the request at hand between the parser and the application. The
/// session gathers pieces into it, the application takes them. No I/O and no callbacks.
///
/// Pieces are *direct* while they point into the received bytes; what is not taken by the end of
/// the callback is copied (`keep`), and what comes while there is such a copy is copied behind it.
/// So a body that comes in one run of bytes is never copied here, in how many chunks ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/http/request_parser.hpp>

namespace ringhorn::net {

class RequestBody {
 public:
  enum class Progress : std::uint8_t {
    starved,  ///< all bytes are used, the body goes on
    full,     ///< as much is held as may be
    ended,
    failed,  ///< the parser's error() says why
  };

  /// Makes ready for a body; one of Framing::none has ended at once.
  void open(const http::RequestHead& head) noexcept;

  /// Reads pieces off the front of `unread` until one of the reasons above, holding up to about
  /// `held_bytes_max`.
  Progress gather(http::RequestParser& parser, std::span<char>& unread, std::size_t held_bytes_max);
  /// Copies what still points into the received bytes.
  void keep();

  /// The application's side, as in Exchange.
  struct Taken {
    std::span<const std::string_view> pieces;
    std::size_t size;  ///< of all pieces
    bool more;
  };
  bool ready() const noexcept { return !end_taken_ && (ended_ || held() > 0); }
  bool complete() const noexcept { return end_taken_ || framing_ == http::Framing::none; }
  Taken take();

  /// Bytes that came and were not taken.
  std::size_t held() const noexcept { return direct_bytes_ + kept_.size(); }
  /// The parser has seen the end.
  bool ended() const noexcept { return ended_; }
  /// Whether any byte of the body was seen.
  bool begun() const noexcept { return seen_ > 0; }
  /// Bytes of it that have come so far.
  std::uint64_t seen() const noexcept { return seen_; }
  /// Bytes that are still to come of a body of declared length; 0 when that cannot be told.
  std::uint64_t left() const noexcept;
  /// Drops what is held and its memory.
  void close() noexcept;

 private:
  void add(std::string_view piece);
  void drop_direct() noexcept;

  std::vector<std::string_view> direct_;  ///< in the received bytes; only while kept_ is empty
  std::size_t direct_bytes_ = 0;
  base::ByteBuffer kept_;
  // What the last take() gave.
  std::vector<std::string_view> given_pieces_;
  base::ByteBuffer given_;
  std::uint64_t declared_ = 0;
  std::uint64_t seen_ = 0;
  http::Framing framing_ = http::Framing::none;
  bool ended_ = true;
  bool end_taken_ = true;
};

}  // namespace ringhorn::net
