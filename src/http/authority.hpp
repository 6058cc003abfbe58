/// Is this a host, as RFC 3986 and RFC 9110 §7.2 have it? Called for Host fields and for targets in
/// absolute-form and authority-form. Frameworks build URLs from it, so nothing looser is let in.
#pragma once

#include <string_view>

namespace ringhorn::http {

/// True for `host [":" port]`: a non-empty reg-name, an IPv4 address or a bracketed IP literal; the
/// port empty or 0 to 65535. No userinfo, no path, no list.
bool is_authority(std::string_view text) noexcept;

/// True when both name the same place: letter case is ignored, and so is `default_port` (":80"),
/// which either may leave out; an empty port is none. REQUIRES: is_authority of both
bool same_authority(std::string_view one, std::string_view other,
                    std::string_view default_port) noexcept;

}  // namespace ringhorn::http
