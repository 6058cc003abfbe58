/// Takes a request-target apart (RFC 9112 §3.2). Called by RequestParser once per request line.
#pragma once

#include <ringhorn/http/head.hpp>

#include "scan.hpp"

namespace ringhorn::http {

/// Splits a target that begins with '/', which all do but a few, at its first '?'. False for other
/// forms, and for CONNECT, which has no path.
inline bool split_origin(RequestHead& head) noexcept {
  const char* const begin = head.target.data();
  if (*begin != '/' || head.method == "CONNECT") {
    return false;
  }
  const char* const end = begin + head.target.size();
  const char* const mark = find_byte(begin, end, '?');
  head.path = {begin, static_cast<std::size_t>(mark - begin)};
  if (mark != end) {
    head.query = {mark + 1, static_cast<std::size_t>(end - mark - 1)};
  }
  return true;
}

/// Fills path, query and authority of `head` from its method and target, whose characters were
/// checked. Every view lies inside the target. Null, or why the target is refused (400).
/// REQUIRES: split_origin did not do it
const char* split_target(RequestHead& head) noexcept;

/// ":80" or ":443": the port that an absolute-form target need not name; empty for other forms.
std::string_view default_port_of(std::string_view target) noexcept;

}  // namespace ringhorn::http
