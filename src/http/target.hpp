/// Takes a request-target apart (RFC 9112 §3.2). Called by RequestParser once per request line.
#pragma once

#include <ringhorn/http/head.hpp>

namespace ringhorn::http {

/// Fills path, query and authority of `head` from its method and target, whose characters were
/// checked. Every view lies inside the target. Null, or why the target is refused (400).
const char* split_target(RequestHead& head) noexcept;

/// ":80" or ":443": the port that an absolute-form target need not name; empty for other forms.
std::string_view default_port_of(std::string_view target) noexcept;

}  // namespace ringhorn::http
