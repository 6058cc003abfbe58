#include "head_rules.hpp"

#include <ringhorn/base/assert.hpp>
#include <ringhorn/http/response_writer.hpp>

#include "authority.hpp"
#include "scan.hpp"
#include "target.hpp"

namespace ringhorn::http {

namespace {

RequestError apply_host(RequestHead& head, HeadMarks& marks, std::string_view value) noexcept {
  if ((marks & mark_host) != 0) {
    return bad("more than one Host");
  }
  marks |= mark_host;
  if (!is_usual_authority(value) && !is_authority(value)) {
    return bad("Host is no host");
  }
  if ((marks & mark_target_host) == 0) {
    head.authority = value;
    return no_error;
  }
  return same_authority(head.authority, value, default_port_of(head.target))
             ? no_error
             : bad("Host differs from the authority of the target");
}

// Most heads come by Host alone: kept out of apply_field, the others cost its entry nothing.

// RFC 9112 §6.3: a list, even of equal numbers, would be legal to repair; we never do.
[[gnu::noinline]] RequestError apply_length(RequestHead& head, HeadMarks& marks,
                                            std::string_view value) noexcept {
  if ((marks & mark_length) != 0) {
    return bad("more than one Content-Length");
  }
  marks |= mark_length;
  if (value.empty()) {
    return bad("Content-Length is empty");
  }
  std::uint64_t length = 0;
  for (const char c : value) {
    if (!is_digit(c)) {
      return bad("Content-Length is no number");
    }
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (content_length_max - digit) / 10) {
      return bad("Content-Length is too large");
    }
    length = length * 10 + digit;
  }
  head.content_length = length;
  return no_error;
}

// `xchunked` is no unknown coding but an attempt at one server seeing chunked where another does
// not.
bool hides_chunked(std::string_view token) noexcept {
  constexpr std::string_view chunked = "chunked";
  for (std::size_t i = 0; i + chunked.size() <= token.size(); ++i) {
    if (equals_nocase(token.substr(i, chunked.size()), chunked)) {
      return true;
    }
  }
  return false;
}

[[gnu::noinline]] RequestError apply_coding(HeadMarks& marks, std::string_view value) noexcept {
  if ((marks & mark_coding) != 0) {
    return bad("more than one Transfer-Encoding");
  }
  marks |= mark_coding;
  if (equals_nocase(value, "chunked")) {
    return no_error;
  }
  if (value.empty() || value.back() == ',') {
    return bad("Transfer-Encoding is malformed");
  }
  while (!value.empty()) {
    const std::string_view coding = take_element(value);
    const bool last = value.empty();
    if (!is_token(coding)) {
      return bad("Transfer-Encoding is malformed");
    }
    if (hides_chunked(coding) && !(last && equals_nocase(coding, "chunked"))) {
      return bad("Transfer-Encoding with chunked not last, or disguised");
    }
  }
  marks |= mark_unknown_coding;
  return no_error;
}

[[gnu::noinline]] RequestError apply_connection(HeadMarks& marks, std::string_view value) noexcept {
  if (value == "keep-alive") {
    marks |= mark_keep_alive;
    return no_error;
  }
  while (!value.empty()) {
    const std::string_view option = take_element(value);
    if (equals_nocase(option, "keep-alive")) {
      marks |= mark_keep_alive;
    } else if (equals_nocase(option, "close")) {
      marks |= mark_close;
    } else if (equals_nocase(option, "upgrade")) {
      marks |= mark_upgrade_option;
    }
  }
  return no_error;
}

RequestError apply_expect(RequestHead& head, HeadMarks& marks, std::string_view value) noexcept {
  if (equals_nocase(value, "100-continue")) {
    head.expects_continue = true;
  } else {
    marks |= mark_unknown_expect;
  }
  return no_error;
}

[[gnu::noinline]] RequestError apply_te(RequestHead& head, std::string_view value) noexcept {
  while (!value.empty()) {
    head.accepts_trailers |= equals_nocase(take_element(value), "trailers");
  }
  return no_error;
}

RequestError apply_content_type(HeadMarks& marks) noexcept {
  if ((marks & mark_content_type) != 0) {
    return bad("more than one Content-Type");
  }
  marks |= mark_content_type;
  return no_error;
}

RequestError settle_framing(RequestHead& head, HeadMarks marks, const Limits& limits) noexcept {
  if ((marks & mark_coding) != 0) {
    if ((marks & mark_length) != 0) {
      return bad("Content-Length together with Transfer-Encoding");
    }
    if (head.version == Version::http_1_0) {
      return bad("Transfer-Encoding in HTTP/1.0");
    }
    if ((marks & mark_unknown_coding) != 0) {
      return {501, "unknown transfer coding"};
    }
    head.framing = Framing::chunked;
  } else if ((marks & mark_length) != 0) {
    if (limits.body_bytes_max != 0 && head.content_length > limits.body_bytes_max) {
      return {413, "Content-Length is above the body limit"};
    }
    head.framing = Framing::content_length;
  }
  return no_error;
}

}  // namespace

RequestError apply_field(RequestHead& head, HeadMarks& marks, std::string_view name,
                         std::string_view value) noexcept {
  RINGHORN_ASSERT(may_have_rule(name));
  switch (name.size()) {
    case 2:
      return name == "te" ? apply_te(head, value) : no_error;
    case 4:
      return name == "host" ? apply_host(head, marks, value) : no_error;
    case 6:
      return name == "expect" ? apply_expect(head, marks, value) : no_error;
    case 7:
      if (name == "upgrade" && head.upgrade.empty()) {
        head.upgrade = value;
      }
      return no_error;
    case 10:
      return name == "connection" ? apply_connection(marks, value) : no_error;
    case 12:
      return name == "content-type" ? apply_content_type(marks) : no_error;
    case 14:
      return name == "content-length" ? apply_length(head, marks, value) : no_error;
    case 17:
      return name == "transfer-encoding" ? apply_coding(marks, value) : no_error;
    default:
      return no_error;
  }
}

RequestError settle_head(RequestHead& head, HeadMarks marks, const Limits& limits) noexcept {
  const bool modern = head.version == Version::http_1_1;
  if (modern && (marks & mark_host) == 0) {
    return bad("HTTP/1.1 without Host");
  }
  if (const RequestError error = settle_framing(head, marks, limits); error.status != 0) {
    return error;
  }
  if ((marks & mark_unknown_expect) != 0) {
    return {417, "unknown expectation"};
  }
  // A client that sends no body waits for nothing; HTTP/1.0 must not be told (RFC 9110 §10.1.1).
  head.expects_continue &= modern && head.framing != Framing::none;
  head.keep_alive = (marks & mark_close) == 0 && (modern || (marks & mark_keep_alive) != 0);
  head.wants_upgrade = modern && (marks & mark_upgrade_option) != 0 && !head.upgrade.empty();
  if (!head.wants_upgrade) {
    head.upgrade = {};
  }
  return no_error;
}

}  // namespace ringhorn::http
