/// Response writes one response onto a connection's output queue: the head is gathered apart until
/// the first piece of body decides the framing, then head and small body leave in one run of bytes.
/// Session drives it; it knows neither sockets nor the application. Used again for each response.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/base/slice.hpp>
#include <ringhorn/http/response_writer.hpp>

#include "default_fields.hpp"
#include "output_queue.hpp"

namespace ringhorn::net {

/// Whether the application has announced trailers.
enum class Trailers : std::uint8_t { none, announced };

class Response {
 public:
  explicit Response(DefaultFields& fields) noexcept : fields_(&fields) {}

  /// Makes ready for the next one. Keeps the memory.
  void reset() noexcept;

  /// Starts the head. `now_ns` is for the date. REQUIRES: !begun()
  void begin(int status, const http::ResponseContext& context, Trailers trailers,
             base::Nanoseconds now_ns);
  /// One field of the application's, in the order of the calls. REQUIRES: begun(), !head_sent()
  http::FieldError add_field(std::string_view name, std::string_view value) {
    return writer_.add_field(name, value);
  }
  /// `connection: close`. REQUIRES: begun(), !head_sent()
  void forbid_keep_alive() noexcept { writer_.forbid_keep_alive(); }

  /// begin() was called: there is a status, and fields may follow.
  bool begun() const noexcept { return begun_; }
  /// The head is in the output queue: it cannot be taken back.
  bool head_sent() const noexcept { return head_sent_; }
  /// The last piece was given; trailers may still be awaited.
  bool body_ended() const noexcept { return body_ended_; }
  bool awaits_trailers() const noexcept { return body_ended_ && trailers_ == Trailers::announced; }
  /// What the head says, or would say, of the connection and the body.
  bool keep_alive() const noexcept { return writer_.keep_alive(); }
  int status() const noexcept { return writer_.status(); }
  http::Framing framing() const noexcept { return writer_.framing(); }
  /// False for HEAD, 204, 304: pieces are swallowed.
  bool body_allowed() const noexcept { return writer_.body_allowed(); }

  /// How a piece fits the length that the application has declared. The excess of `too_long` is
  /// dropped; `too_short` is told with the last piece.
  enum class Fit : std::uint8_t { exact, too_long, too_short };
  /// A piece of body; the head goes before the first. REQUIRES: begun(), !body_ended()
  Fit send(OutputQueue& out, std::string_view bytes, bool last);
  /// The same, by reference when it is large enough for that to pay.
  Fit send(OutputQueue& out, base::OwnedSlice bytes, bool last);
  /// Ends a response that announced trailers. REQUIRES: awaits_trailers()
  void send_trailers(OutputQueue& out, std::string_view field_lines);

 private:
  void send_head(OutputQueue& out, std::uint64_t first_bytes, bool last);
  Fit end(OutputQueue& out, bool last, Fit fit);

  DefaultFields* fields_;
  http::ResponseWriter writer_;
  base::ByteBuffer head_;
  std::size_t block_offset_ = 0;
  bool begun_ = false;
  bool head_sent_ = false;
  bool body_ended_ = false;
  bool takes_trailers_ = false;
  Trailers trailers_ = Trailers::none;
};

}  // namespace ringhorn::net
