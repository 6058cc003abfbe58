/// RequestParser reads a stream of HTTP/1.1 requests (RFC 9112) strictly, without I/O, clock or
/// Python. Bytes in, events out; a message cut anywhere gives the same events as one fed whole.
///
/// The caller keeps the unread bytes. It calls next() with all of them, drops `consumed` bytes, acts
/// on the event and calls again until the event is need_more:
///
///     request line and fields ──► head ──► body* ──► end ──► (the next request)
///                    └─────────────── error: final, the connection is lost
///
/// The parser remembers by count, not by address, how far it has looked, so the unread bytes may
/// move between calls, and each byte is looked at once (linear cost for one byte at a time).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <ringhorn/http/chunked_decoder.hpp>
#include <ringhorn/http/head.hpp>

namespace ringhorn::http {

class RequestParser {
 public:
  enum class Event : std::uint8_t {
    need_more,  ///< all that could be told from these bytes was told
    head,       ///< head() is filled; its views point into the bytes given, `consumed` covers them
    body,       ///< body() is a non-empty piece of the body inside the bytes given
    end,        ///< the request is complete
    error,      ///< error() says why; every later call says so again
  };
  struct Step {
    Event event;
    std::size_t consumed;  ///< bytes at the front that the caller drops after acting on the event
  };

  explicit RequestParser(const Limits& limits) noexcept : limits_(&limits) {}

  /// Field names inside `unread` are lower-cased in place. `unread` holds every byte since the last
  /// `consumed`, with new ones only added at the end. May be called with no new bytes.
  Step next(std::span<char> unread);

  /// Valid after `head` until the caller moves or drops those bytes.
  const RequestHead& head() const noexcept { return head_; }
  std::string_view body() const noexcept { return body_; }
  const RequestError& error() const noexcept { return error_; }

  /// True between requests with nothing of the next one seen (leading empty lines do not count).
  bool idle() const noexcept;
  /// True while a head has begun and is not complete: the header timeout runs.
  bool in_head() const noexcept;
  /// True after `head` until `end`: the body timeout runs.
  bool in_body() const noexcept;

 private:
  enum class State : std::uint8_t { start, request_line, fields, body, end, failed };

  const Limits* limits_;
  State state_ = State::start;
  RequestHead head_;
  RequestError error_;
  std::string_view body_;
  std::size_t scanned_ = 0;
  std::uint64_t body_left_ = 0;
  std::uint64_t body_seen_ = 0;
  ChunkedDecoder chunks_;
};

}  // namespace ringhorn::http
