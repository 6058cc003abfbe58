/// ResponseWriter writes one response of HTTP/1.1 (RFC 9112) onto a ByteBuffer: status line,
/// fields, framing. It decides the framing itself and never lets a field break out of its line. No
/// I/O.
///
///     begin ──► add_field* ──► end_head ──► (frame_body ──► bytes ──► close_frame)* ──► end_body
///
/// The bytes of a large body need not pass through the buffer: frame_body writes what goes before
/// them, close_frame what goes after them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/http/head.hpp>

namespace ringhorn::http {

/// What a response must know of its request.
struct ResponseContext {
  Version version = Version::http_1_1;
  bool head_only = false;  ///< the method was HEAD
  bool keep_alive = true;  ///< both sides would go on; false writes `connection: close`
  bool trailers = false;   ///< the app announced trailers and the client takes them
  bool upgrade = false;    ///< status 101: another protocol goes on behind the head
};

/// Why a field of the application's cannot be written. Nothing of it is on the wire.
enum class FieldError : std::uint8_t { none, bad_name, bad_value, bad_content_length };

class ResponseWriter {
 public:
  /// Starts a response at the end of `out`, which must outlive it. Any status 100 to 999.
  void begin(base::ByteBuffer& out, int status, const ResponseContext& context);
  /// Writes one field of the application's; the name is lower-cased. Checks name (RFC 9110 §5.1: a
  /// token) and value (no CTL but HTAB, so no CR, LF, NUL). `transfer-encoding` is swallowed, a
  /// second equal `content-length` too (an unequal one is an error), and the one of 1xx, 204, 205.
  /// Of `connection`, `close` turns keep_alive off and is written once by us, `keep-alive` is
  /// swallowed, the rest passes. `name` and `value` may not point into the buffer.
  FieldError add_field(std::string_view name, std::string_view value);
  /// Writes bytes that are known to be whole, checked field lines (date, server, --header).
  void add_block(std::string_view lines);
  /// The app itself named this field: `date`, `server`, and `content-length` are noted.
  bool has_date() const noexcept { return has_date_; }
  bool has_server() const noexcept { return has_server_; }

  /// Ends the head. `whole_body` is the size of the body when the first piece is also the last:
  /// then a content-length is written if the app gave none. Otherwise: the app's content-length,
  /// else chunked, else (HTTP/1.0) until_close. An app's content-length stands even when it differs
  /// from `whole_body`: frame_body and end_body tell. To HEAD goes what GET would have; an empty
  /// whole body says nothing about that, so then there is no content-length but the app's.
  void end_head(std::optional<std::uint64_t> whole_body);

  /// False for HEAD, 1xx, 204, 205, 304: pieces are counted but never written.
  bool body_allowed() const noexcept { return body_allowed_; }
  /// Call before `size` > 0 bytes of body are put behind the buffer; returns how many of them may
  /// be written: fewer than `size` when the declared length would be exceeded, 0 without a body.
  std::uint64_t frame_body(base::ByteBuffer& out, std::uint64_t size);
  /// Call after the bytes of one frame_body.
  void close_frame(base::ByteBuffer& out);
  /// Ends the body: last chunk and the field lines of `trailers` (whole, checked) where chunked.
  /// False when fewer bytes came than the declared length: the connection must be closed.
  bool end_body(base::ByteBuffer& out, std::string_view trailers = {});

  Framing framing() const noexcept { return framing_; }
  int status() const noexcept { return status_; }
  /// Body bytes accepted so far (not counting framing).
  std::uint64_t body_bytes() const noexcept { return body_bytes_; }
  /// Whether the connection may serve another request after this response. Never after a 1xx, but
  /// for an upgrade: the client still waits for the final one.
  bool keep_alive() const noexcept { return keep_alive_; }
  /// Takes keep-alive back. REQUIRES: end_head was not called yet
  void forbid_keep_alive() noexcept { keep_alive_ = false; }

 private:
  /// What a name means to the writer.
  enum class Meaning : std::uint8_t { plain, length, connection, swallowed };
  Meaning meaning_of(std::string_view name) noexcept;
  FieldError add_length(std::string_view value);
  void add_connection(std::string_view value);
  void choose_framing(std::optional<std::uint64_t> whole_body);

  base::ByteBuffer* out_ = nullptr;
  std::uint64_t declared_ = 0;
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  Framing framing_ = Framing::none;
  bool has_length_ = false;
  bool has_date_ = false;
  bool has_server_ = false;
  bool body_allowed_ = true;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool head_ended_ = false;
  bool trailers_ = false;
  Version version_ = Version::http_1_1;
};

/// A whole small response of the server's own (400, 408, 413, 503 …): text/plain, content-length,
/// `connection`, which includes `close`, and `block` (date, server …; whole field lines) in front.
void write_plain_response(base::ByteBuffer& out, int status, std::string_view body,
                          std::string_view block, bool head_only,
                          std::string_view connection = "close");

/// The reason phrase of RFC 9110 §15 or the IANA registry; empty for a status that has none.
std::string_view reason_phrase(int status) noexcept;

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7): exactly 29 bytes to `out`. Times before 1970
/// and after 9999 are drawn to the nearest that is not.
void write_date(char* out, std::int64_t epoch_seconds) noexcept;

/// True for 1*tchar (RFC 9110 §5.6.2).
bool is_token(std::string_view text) noexcept;
/// True when `text` may be a field value: no CTL but HTAB (RFC 9110 §5.5).
bool is_field_value(std::string_view text) noexcept;

/// Takes percent-encoding off `text`, onto `out`; a '%' without two hex digits stays as it is.
void percent_decode(std::string_view text, base::ByteBuffer& out);

}  // namespace ringhorn::http
