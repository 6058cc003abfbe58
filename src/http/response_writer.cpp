#include <ringhorn/http/response_writer.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <ringhorn/base/assert.hpp>

#include "field_copy.hpp"
#include "status_line.hpp"

namespace ringhorn::http {

namespace {

// Enough for status line, date, server and the usual fields: one growth of the buffer per response.
constexpr std::size_t head_bytes_usual = 512;
constexpr std::size_t number_bytes_max = 20;

char* put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

void append_status_line(base::ByteBuffer& out, int status) {
  if (const std::string_view line = status_line(status); !line.empty()) {
    out.append(line);
    return;
  }
  // The space behind the code stays although there is no phrase (RFC 9112 §4).
  char line[] = "HTTP/1.1 000 \r\n";
  std::to_chars(line + 9, line + 12, status);
  out.append({line, sizeof line - 1});
}

void append_length(base::ByteBuffer& out, std::uint64_t length) {
  constexpr std::string_view name = "content-length: ";
  char* const begin = out.prepare(name.size() + number_bytes_max + 2);
  char* at = put(begin, name);
  at = std::to_chars(at, at + number_bytes_max, length).ptr;
  at = put(at, "\r\n");
  out.commit(static_cast<std::size_t>(at - begin));
}

// RFC 9110 §6.4.1: responses that end at their head whatever it says. 205 has content of length 0.
bool has_no_content(int status) {
  return status < 200 || status == 204 || status == 205 || status == 304;
}

}  // namespace

void ResponseWriter::begin(base::ByteBuffer& out, int status, const ResponseContext& context) {
  RINGHORN_ASSERT(status >= 100 && status <= 999);
  *this = ResponseWriter();
  out_ = &out;
  status_ = status;
  version_ = context.version;
  head_only_ = context.head_only;
  trailers_ = context.trailers && context.version == Version::http_1_1;
  // The client goes on waiting behind an interim response, so it can never be the last word on a
  // connection that stays.
  keep_alive_ = context.upgrade || (context.keep_alive && status >= 200);
  body_allowed_ = !head_only_ && !has_no_content(status);
  out.prepare(head_bytes_usual);
  append_status_line(out, status);
}

FieldError ResponseWriter::add_field(std::string_view name, std::string_view value) {
  RINGHORN_ASSERT(out_ != nullptr && !head_ended_);
  const std::size_t size = name.size() + value.size() + 4;
  char* const line = out_->prepare(size);
  if (!copy_token(line, name)) {
    return FieldError::bad_name;
  }
  char* at = put(line + name.size(), ": ");
  if (!copy_value(at, value)) {
    return FieldError::bad_value;
  }
  put(at + value.size(), "\r\n");
  switch (meaning_of({line, name.size()})) {
    case Meaning::plain:
      break;
    case Meaning::length:
      return add_length(value);
    case Meaning::connection:
      add_connection(value);
      return FieldError::none;
    case Meaning::swallowed:
      return FieldError::none;
  }
  out_->commit(size);
  return FieldError::none;
}

inline ResponseWriter::Meaning ResponseWriter::meaning_of(std::string_view name) noexcept {
  switch (name.size()) {
    case 4:
      has_date_ |= name == "date";
      return Meaning::plain;
    case 6:
      has_server_ |= name == "server";
      return Meaning::plain;
    case 10:
      return name == "connection" ? Meaning::connection : Meaning::plain;
    case 14:
      return name == "content-length" ? Meaning::length : Meaning::plain;
    case 17:
      return name == "transfer-encoding" ? Meaning::swallowed : Meaning::plain;
    default:
      return Meaning::plain;
  }
}

FieldError ResponseWriter::add_length(std::string_view value) {
  std::uint64_t length = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, problem] = std::from_chars(value.data(), end, length);
  if (value.empty() || problem != std::errc() || stop != end || length > content_length_max ||
      (has_length_ && length != declared_)) {
    return FieldError::bad_content_length;
  }
  // RFC 9110 §8.6: none in 1xx and 204; that of 205 is 0 and ours; a 304 may keep its own.
  const bool written = status_ >= 200 && status_ != 204 && status_ != 205;
  if (written && !has_length_) {
    append_length(*out_, length);
  }
  has_length_ = true;
  declared_ = length;
  return FieldError::none;
}

// `close` and `keep-alive` are ours to say; what is left of the list passes.
void ResponseWriter::add_connection(std::string_view value) {
  bool open = false;
  while (!value.empty()) {
    const std::string_view option = take_element(value);
    if (equals_nocase(option, "close")) {
      keep_alive_ = false;
    } else if (!option.empty() && !equals_nocase(option, "keep-alive")) {
      out_->append(open ? ", " : "connection: ");
      out_->append(option);
      open = true;
    }
  }
  if (open) {
    out_->append("\r\n");
  }
}

void ResponseWriter::add_block(std::string_view lines) {
  RINGHORN_ASSERT(out_ != nullptr && !head_ended_);
  if (!lines.empty()) {
    out_->append(lines);
  }
}

void ResponseWriter::end_head(std::optional<std::uint64_t> whole_body) {
  RINGHORN_ASSERT(out_ != nullptr && !head_ended_);
  head_ended_ = true;
  if (has_no_content(status_)) {
    if (status_ == 205) {
      out_->append("content-length: 0\r\n");
    }
  } else {
    choose_framing(whole_body);
  }
  if (!keep_alive_) {
    out_->append("connection: close\r\n\r\n");
  } else if (version_ == Version::http_1_0) {
    out_->append("connection: keep-alive\r\n\r\n");
  } else {
    out_->append("\r\n");
  }
}

void ResponseWriter::choose_framing(std::optional<std::uint64_t> whole_body) {
  if (has_length_) {
    framing_ = Framing::content_length;
  } else if (head_only_ && whole_body == 0U) {
    // The application left the body out itself: how long it would be for GET is not known.
    framing_ = Framing::none;
  } else if (whole_body && !trailers_) {
    append_length(*out_, *whole_body);
    declared_ = *whole_body;
    framing_ = Framing::content_length;
  } else if (version_ == Version::http_1_1) {
    out_->append("transfer-encoding: chunked\r\n");
    framing_ = Framing::chunked;
  } else {
    framing_ = Framing::until_close;
    keep_alive_ = keep_alive_ && head_only_;
  }
}

std::uint64_t ResponseWriter::frame_body(base::ByteBuffer& out, std::uint64_t size) {
  RINGHORN_ASSERT(head_ended_ && size > 0);
  if (!body_allowed_) {
    body_bytes_ += size;
    return 0;
  }
  if (framing_ == Framing::content_length) {
    size = std::min(size, declared_ - body_bytes_);
  } else if (framing_ == Framing::chunked) {
    char* const begin = out.prepare(number_bytes_max + 2);
    char* at = std::to_chars(begin, begin + number_bytes_max, size, 16).ptr;
    at = put(at, "\r\n");
    out.commit(static_cast<std::size_t>(at - begin));
  }
  body_bytes_ += size;
  return size;
}

void ResponseWriter::close_frame(base::ByteBuffer& out) {
  if (framing_ == Framing::chunked && body_allowed_) {
    out.append("\r\n");
  }
}

bool ResponseWriter::end_body(base::ByteBuffer& out, std::string_view trailers) {
  RINGHORN_ASSERT(head_ended_);
  if (!body_allowed_) {
    return true;
  }
  if (framing_ == Framing::chunked) {
    out.append("0\r\n");
    if (!trailers.empty()) {
      out.append(trailers);
    }
    out.append("\r\n");
  }
  return framing_ != Framing::content_length || body_bytes_ == declared_;
}

void write_plain_response(base::ByteBuffer& out, int status, std::string_view body,
                          std::string_view block, bool head_only, std::string_view connection) {
  RINGHORN_ASSERT(status >= 200 && !has_no_content(status));
  append_status_line(out, status);
  if (!block.empty()) {
    out.append(block);
  }
  out.append("content-type: text/plain; charset=utf-8\r\n");
  append_length(out, body.size());
  out.append("connection: ");
  out.append(connection);
  out.append("\r\n\r\n");
  if (!head_only && !body.empty()) {
    out.append(body);
  }
}

}  // namespace ringhorn::http
