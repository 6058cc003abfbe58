#include <ringhorn/http/chunked_decoder.hpp>

#include <algorithm>
#include <cstring>

#include <ringhorn/base/assert.hpp>

#include "scan.hpp"

namespace ringhorn::http {

namespace {

constexpr std::uint8_t digits_max = 16;
constexpr std::uint64_t size_max = INT64_MAX;
// A piece above this is handed out where it lies; moving it would cost more than one more event.
constexpr std::size_t joined_bytes_max = 1024;

// Framing that no limit of the body counts: a small limit must not refuse the chunks of a small
// body.
constexpr std::uint64_t framing_bytes_free = 4096;

// RFC 9110 §6.5.1: what steers framing, routing, authentication or the reading of the content.
constexpr std::string_view forbidden_trailers[] = {
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "max-forwards",
    "range",
    "proxy-authorization",
    "te",
    "trailer",
    "upgrade",
    "set-cookie",
    "transfer-encoding",
};

}  // namespace

void ChunkedDecoder::reset(std::uint32_t field_count, std::uint32_t field_bytes) noexcept {
  *this = ChunkedDecoder();
  field_count_ = field_count;
  field_bytes_ = field_bytes;
}

ChunkedDecoder::Step ChunkedDecoder::next(std::span<char> unread, const Limits& limits) {
  char* const begin = unread.data();
  char* const end = begin + unread.size();
  char* at = begin;
  char* data = nullptr;  // what this call hands out: [data, data + size)
  std::size_t size = 0;
  while (at != end && state_ < State::done) {
    if (state_ != State::data) {
      step(*at, limits);
      at += state_ != State::failed ? 1 : 0;
      continue;
    }
    const std::size_t piece = std::min<std::uint64_t>(static_cast<std::size_t>(end - at), left_);
    if (size == 0) {
      data = at;
    } else if (piece <= joined_bytes_max) {
      std::memmove(data + size, at, piece);
    } else {
      break;
    }
    size += piece;
    at += piece;
    left_ -= piece;
    state_ = left_ == 0 ? State::data_cr : State::data;
  }
  const auto consumed = static_cast<std::size_t>(at - begin);
  if (size > 0) {
    data_ = {data, size};
    return {Event::data, consumed};
  }
  if (state_ < State::done) {
    return {Event::need_more, consumed};
  }
  return {state_ == State::done ? Event::end : Event::error, consumed};
}

void ChunkedDecoder::step(char byte, const Limits& limits) noexcept {
  RINGHORN_ASSERT(state_ != State::data && state_ < State::done);
  if (++framing_bytes_ > framing_bytes_free && limits.body_bytes_max > 0 &&
      framing_bytes_ - framing_bytes_free > limits.body_bytes_max) {
    return fail(413, "the framing of a chunked body is longer than the body may be");
  }
  switch (state_) {
    case State::size_begin:
    case State::size:
      return step_size(byte);
    case State::size_lf:
      if (byte != '\n') {
        return fail(400, "bare CR behind a chunk size");
      }
      return begin_data(limits);
    case State::data_cr:
      return expect(byte, '\r', State::data_lf, "no CRLF behind the data of a chunk");
    case State::data_lf:
      return expect(byte, '\n', State::size_begin, "no CRLF behind the data of a chunk");
    case State::last_lf:
      return expect(byte, '\n', State::done, "bare CR at the end of the trailers");
    case State::trailer_begin:
    case State::trailer_name:
    case State::trailer_value:
    case State::trailer_lf:
      return step_trailer(byte, limits);
    default:
      return step_extension(byte, limits);
  }
}

void ChunkedDecoder::step_size(char byte) noexcept {
  if (const int digit = hex_value(byte); digit >= 0) {
    if (state_ == State::size_begin) {
      state_ = State::size;
      digits_ = 0;
    }
    if (++digits_ > digits_max) {
      return fail(400, "a chunk size has too many digits");
    }
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    return;
  }
  if (state_ == State::size_begin) {
    return fail(400, "a chunk size does not begin with a digit");
  }
  if (left_ > size_max) {
    return fail(400, "a chunk size is too large");
  }
  switch (byte) {
    case '\r':
      state_ = State::size_lf;
      return;
    case ';':
      state_ = State::extension_name_begin;
      ++extension_bytes_;
      return;
    default:
      return fail(400, "a chunk size has a bad character behind it");
  }
}

void ChunkedDecoder::begin_data(const Limits& limits) noexcept {
  if (left_ == 0) {
    state_ = State::trailer_begin;
    return;
  }
  // Both are at most size_max, so that their sum cannot wrap.
  RINGHORN_ASSERT(left_ <= size_max);
  decoded_ += left_;
  if (decoded_ > size_max || (limits.body_bytes_max != 0 && decoded_ > limits.body_bytes_max)) {
    return fail(413, "the chunks exceed the body limit");
  }
  state_ = State::data;
}

void ChunkedDecoder::step_extension(char byte, const Limits& limits) noexcept {
  constexpr const char* malformed = "a chunk extension is malformed";
  if (byte != '\r' && ++extension_bytes_ > limits.chunk_extension_bytes_max) {
    return fail(400, "the chunk extensions are too long");
  }
  const bool token = is_in(byte, token_char);
  switch (state_) {
    case State::extension_name_begin:
      state_ = State::extension_name;
      return token ? void() : fail(400, malformed);
    case State::extension_value_begin:
      state_ = byte == '"' ? State::extension_quoted : State::extension_token;
      return token || byte == '"' ? void() : fail(400, malformed);
    case State::extension_quoted:
      if (byte == '"') {
        state_ = State::extension_quoted_end;
      } else if (byte == '\\') {
        state_ = State::extension_escape;
      } else if (!is_in(byte, quoted_char)) {
        fail(400, malformed);
      }
      return;
    case State::extension_escape:
      state_ = State::extension_quoted;
      return is_in(byte, field_char) ? void() : fail(400, malformed);
    default:
      break;
  }
  if (token && state_ != State::extension_quoted_end) {
    return;
  }
  if (byte == '\r') {
    state_ = State::size_lf;
  } else if (byte == ';') {
    state_ = State::extension_name_begin;
  } else if (byte == '=' && state_ == State::extension_name) {
    state_ = State::extension_value_begin;
  } else {
    fail(400, malformed);
  }
}

// A trailer obeys the rules of a field (RFC 9112 §5) and the limits of the head that it follows.
void ChunkedDecoder::step_trailer(char byte, const Limits& limits) noexcept {
  if (state_ == State::trailer_begin) {
    if (byte == '\r') {
      state_ = State::last_lf;
      return;
    }
    if (++field_count_ > limits.field_count_max) {
      return fail(431, "too many fields with the trailers");
    }
    line_bytes_ = 0;
    name_size_ = 0;
    state_ = State::trailer_name;
  }
  ++field_bytes_;
  if (byte != '\r' && byte != '\n' &&
      (++line_bytes_ > limits.field_bytes_max || field_bytes_ > limits.head_bytes_max)) {
    return fail(431, "a trailer is too long, or all are");
  }
  switch (state_) {
    case State::trailer_name:
      if (byte == ':') {
        return end_trailer_name();
      }
      if (const char lower = lower_token_chars[octet(byte)]; lower == 0) {
        fail(400, "the name of a trailer is malformed");
      } else if (name_size_ < name_.size()) {
        name_[name_size_++] = lower;
      }
      return;
    case State::trailer_value:
      if (byte == '\r') {
        state_ = State::trailer_lf;
      } else if (!is_in(byte, field_char)) {
        fail(400, "a trailer has a control character or a bare LF");
      }
      return;
    default:
      return expect(byte, '\n', State::trailer_begin, "bare CR in a trailer");
  }
}

void ChunkedDecoder::end_trailer_name() noexcept {
  if (name_size_ == 0) {
    return fail(400, "the name of a trailer is empty");
  }
  const std::string_view name(name_.data(), name_size_);
  for (const std::string_view forbidden : forbidden_trailers) {
    if (name == forbidden) {
      return fail(400, "a field that may not be a trailer");
    }
  }
  state_ = State::trailer_value;
}

void ChunkedDecoder::expect(char byte, char wanted, State next_state, const char* reason) noexcept {
  if (byte != wanted) {
    return fail(400, reason);
  }
  state_ = next_state;
}

void ChunkedDecoder::fail(int status, const char* reason) noexcept {
  state_ = State::failed;
  error_ = {status, reason};
}

}  // namespace ringhorn::http
