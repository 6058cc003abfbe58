#include "target.hpp"

#include <ringhorn/base/assert.hpp>

#include "authority.hpp"
#include "scan.hpp"

namespace ringhorn::http {

namespace {

// 0 when the target is not in absolute-form, else the size of `http://` or `https://`.
std::size_t scheme_size(std::string_view target) noexcept {
  if (equals_nocase(target.substr(0, 7), "http://")) {
    return 7;
  }
  return equals_nocase(target.substr(0, 8), "https://") ? 8 : 0;
}

const char* split_absolute(RequestHead& head, std::size_t scheme) noexcept {
  const std::string_view rest = head.target.substr(scheme);
  const std::size_t end = rest.find_first_of("/?");
  head.authority = rest.substr(0, end);
  if (!is_authority(head.authority)) {
    return "the authority of the target is no host";
  }
  const std::string_view tail = end == rest.npos ? std::string_view() : rest.substr(end);
  const std::size_t mark = tail.find('?');
  head.path = tail.substr(0, mark);
  head.query = mark == tail.npos ? std::string_view() : tail.substr(mark + 1);
  if (head.path.empty()) {
    // The path of `http://host?query` is "/": one of the scheme's slashes lends its byte, so that
    // all views stay inside the request.
    head.path = head.target.substr(scheme - 1, 1);
  }
  return nullptr;
}

}  // namespace

const char* split_target(RequestHead& head) noexcept {
  RINGHORN_ASSERT(!head.target.empty());
  if (head.method == "CONNECT") {
    // The port may not be left out, and the colons of "[::1]" are none.
    if (!is_authority(head.target) || head.target.back() == ']' ||
        head.target.find(':') == head.target.npos) {
      return "the target of CONNECT is no authority";
    }
    head.authority = head.target;
    return nullptr;
  }
  if (head.target == "*" && head.method == "OPTIONS") {
    head.path = head.target;
    return nullptr;
  }
  if (const std::size_t scheme = scheme_size(head.target); scheme != 0) {
    return split_absolute(head, scheme);
  }
  return "the target has no form of RFC 9112 section 3.2";
}

std::string_view default_port_of(std::string_view target) noexcept {
  switch (scheme_size(target)) {
    case 7:
      return ":80";
    case 8:
      return ":443";
    default:
      return {};
  }
}

}  // namespace ringhorn::http
