/// What the fields of a request head mean for the connection: where the body ends, whether the
/// connection stays, which host is meant (RFC 9110 and 9112). Called by RequestParser for each
/// field and at the end of the head; never touches a byte of the input.
///
/// A rule that needs two fields (Content-Length with Transfer-Encoding) is judged at the end of the
/// head, so that the verdict does not depend on their order. The worst reading wins: everything
/// ambiguous is a 400, since another server in front may read it the other way.
#pragma once

#include <cstdint>
#include <string_view>

#include <ringhorn/http/head.hpp>

namespace ringhorn::http {

/// A set of what was seen in a head so far; RequestParser keeps it between torn pieces.
using HeadMarks = std::uint16_t;
inline constexpr HeadMarks mark_host = 1;
inline constexpr HeadMarks mark_length = 2;
inline constexpr HeadMarks mark_coding = 4;          ///< Transfer-Encoding, any
inline constexpr HeadMarks mark_unknown_coding = 8;  ///< … well formed, but not ours
inline constexpr HeadMarks mark_content_type = 16;
inline constexpr HeadMarks mark_close = 32;
inline constexpr HeadMarks mark_keep_alive = 64;
inline constexpr HeadMarks mark_upgrade_option = 128;  ///< Connection: upgrade
inline constexpr HeadMarks mark_unknown_expect = 256;
inline constexpr HeadMarks mark_target_host = 512;  ///< the target named the authority itself

/// The status 0 says that there is nothing to complain about.
inline constexpr RequestError no_error{0, ""};

constexpr RequestError bad(const char* reason) noexcept {
  return {400, reason};
}

/// False for names that apply_field has surely nothing to say about: no rule has their length and
/// first letter. REQUIRES: `name` is not empty
inline bool may_have_rule(std::string_view name) noexcept {
  // te, host, expect, upgrade, connection, content-type, content-length, transfer-encoding
  constexpr char first_letters[] = "\0\0t\0h\0eu\0\0c\0c\0c\0\0t";
  return name.size() < sizeof first_letters && first_letters[name.size()] == name[0];
}

/// Takes in one field. REQUIRES: `name` is lower-case; method, target and version are known
RequestError apply_field(RequestHead& head, HeadMarks& marks, std::string_view name,
                         std::string_view value) noexcept;

/// Settles a head of HTTP/1.1 that names a host and says nothing else to the connection but, maybe,
/// that it stays: most heads. False when settle_head has to do it.
inline bool settle_usual_head(RequestHead& head, HeadMarks marks) noexcept {
  constexpr HeadMarks usual = mark_host | mark_keep_alive | mark_content_type;
  if (head.version != Version::http_1_1 || (marks & ~usual) != 0 || (marks & mark_host) == 0) {
    return false;
  }
  head.expects_continue = head.wants_upgrade = false;
  head.keep_alive = true;
  head.upgrade = {};
  return true;
}

/// Settles framing, keep_alive and the rest when all fields are known.
RequestError settle_head(RequestHead& head, HeadMarks marks, const Limits& limits) noexcept;

}  // namespace ringhorn::http
