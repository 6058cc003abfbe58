/// RequestParser reads a stream of HTTP/1.1 requests (RFC 9112) strictly, without I/O, clock or
/// Python. Bytes in, events out; a message cut anywhere gives the same events as one fed whole. One
/// per connection, for all its requests in turn; `net`'s HTTP/1.1 session calls it.
///
/// The caller keeps the unread bytes. It calls next() with all of them, drops `consumed` bytes,
/// acts on the event and calls again until the event is need_more:
///
///     request line and fields ──► head ──► body* ──► end ──► (the next request)
///                    └─────────────── error: final, the connection is lost
///
/// The parser remembers by count how far it has looked, so the unread bytes may move between calls,
/// and each byte of a head is looked at once (linear cost for one byte at a time). What it finds
/// wrong depends on the bytes up to that place alone, never on how they were cut: every search is
/// bounded by the limit that it would break.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <ringhorn/http/chunked_decoder.hpp>
#include <ringhorn/http/head.hpp>
#include <ringhorn/http/section_cache.hpp>

namespace ringhorn::http {

class RequestParser {
 public:
  enum class Event : std::uint8_t {
    need_more,  ///< all that could be told from these bytes was told
    head,       ///< head() is filled; `consumed` covers its bytes
    body,       ///< body() is a non-empty piece of the body inside the bytes given
    end,        ///< the request is complete
    error,      ///< error() says why; every later call says so again
  };
  struct Step {
    Event event;
    std::size_t consumed;  ///< bytes at the front that the caller drops after acting on the event
  };

  /// `limits` must outlive the parser.
  explicit RequestParser(const Limits& limits) noexcept : limits_(&limits) {}
  explicit RequestParser(const Limits&&) = delete;

  /// From here on `sender` sends the requests. What it repeats is taken from `sections`, which sees
  /// one set of limits only. Both must outlive the parser's use; without them every head is parsed.
  void read_from(SectionCache& sections, SectionCache::Sender& sender) noexcept {
    sections_ = &sections;
    sender_ = &sender;
  }

  /// Field names inside `unread` are lower-cased in place, and small chunks of a body are moved
  /// together. `unread` holds every byte since the last `consumed`, with new ones only added at the
  /// end. May be called with no new bytes. need_more may consume bytes as well.
  Step next(std::span<char> unread);

  /// Valid after `head`, as long as RequestHead says.
  const RequestHead& head() const noexcept { return head_; }
  std::string_view body() const noexcept { return body_; }
  const RequestError& error() const noexcept { return error_; }

  /// True between requests with nothing of the next one seen (leading empty lines do not count).
  bool idle() const noexcept { return state_ == State::start; }
  /// True while a head has begun and is not complete: the header timeout runs.
  bool in_head() const noexcept { return state_ > State::start && state_ < State::body; }
  /// True after `head` while bytes of the body are still to come: the body timeout runs.
  bool in_body() const noexcept { return state_ == State::body; }

 private:
  /// In the order of a request's life; a head is in the first five.
  enum class State : std::uint8_t { start, method, target, version, fields, body, end, failed };
  enum class Progress : std::uint8_t { stalled, done, failed };

  Step read_head(char* begin, char* end, std::size_t skipped);
  Progress read_request_line(char* begin, char* end);
  Progress read_method(char* begin, char* end);
  Progress read_target(char* begin, char* end);
  Progress read_version(char* begin, char* end);
  Progress read_other_version(const char* text, const char* end);
  Progress end_request_line();
  Progress read_section(char* begin, char* end);
  bool recall(std::string_view bytes);
  Progress read_fields(char* begin, char* end);
  Progress stall(char* begin, char* line, char* colon, char* from) noexcept;
  Progress add_field(char* line, char* colon, char* value_end);
  Progress end_fields(char* begin, char* line, char* end);
  void start_body() noexcept;
  Step read_body(std::span<char> unread);
  Step read_chunks(std::span<char> unread);
  void start_head() noexcept;
  void move_views(char* begin) noexcept;
  Progress fail(RequestError error) noexcept;

  const Limits* limits_;
  SectionCache* sections_ = nullptr;  // null: none
  SectionCache::Sender* sender_ = nullptr;
  State state_ = State::start;
  std::uint8_t empty_lines_ = 0;  // skipped before this request
  std::uint16_t marks_ = 0;       // what the fields have said: head_rules.hpp
  RequestHead head_;
  std::vector<HeaderField> fields_;  // of head_, when they were parsed
  RequestError error_;
  std::string_view body_;
  // Counts from the first byte of the request line.
  std::size_t scanned_ = 0;       // nothing before this place needs another look
  std::size_t line_ = 0;          // where the field line in work begins
  std::size_t colon_ = 0;         // … and its colon; 0 until found
  std::size_t fields_begin_ = 0;  // where the first field line begins
  // Where the head began at the last call: a number only, to shift the views by if it has moved.
  std::uintptr_t origin_ = 0;
  std::uint64_t body_left_ = 0;  // of a content-length
  ChunkedDecoder chunks_;
};

}  // namespace ringhorn::http
