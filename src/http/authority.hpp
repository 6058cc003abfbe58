/// Is this a host, as RFC 3986 and RFC 9110 §7.2 have it? Called for Host fields and for targets in
/// absolute-form and authority-form. Frameworks build URLs from it, so nothing looser is let in.
#pragma once

#include <string_view>

#include "scan.hpp"

namespace ringhorn::http {

/// True for `host [":" port]`: a non-empty reg-name, an IPv4 address or a bracketed IP literal; the
/// port empty or 0 to 65535. No userinfo, no path, no list.
bool is_authority(std::string_view text) noexcept;

/// True for the hosts of most requests, 8 to 16 bytes of letters, digits, '.' and '-' with a port
/// of up to four digits or none, at a fraction of the cost. False says nothing.
inline bool is_usual_authority(std::string_view text) noexcept {
#if defined(__SSE2__)
  const std::size_t size = text.size();
  if (size < 8 || size > 16) {
    return false;
  }
  // The first and the last eight bytes, which overlap: in_order() takes the overlap out again.
  const auto load = [](const char* from) {
    return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  };
  const auto in_order = [size](__m128i mask) {
    const unsigned bits = bits_of(mask);
    return (bits & 0xffU) | (bits >> 8) << (size - 8);
  };
  const __m128i bytes = _mm_unpacklo_epi64(load(text.data()), load(text.data() + size - 8));
  const __m128i digits = in_range(bytes, '0', '9');
  const __m128i marks = in_range(bytes, '-', '.');
  const unsigned all = (1U << size) - 1;
  const unsigned others =
      ~in_order(_mm_or_si128(_mm_or_si128(letters(bytes), digits), marks)) & all;
  if (others == 0) {
    return true;
  }
  const unsigned colon = first_bit(others);
  const unsigned port_and_colon = all >> colon;
  return colon > 0 && text[colon] == ':' && size - colon <= 5 &&
         ((in_order(digits) >> colon) | 1) == port_and_colon;
#else
  return false;
#endif
}

/// True when both name the same place: letter case is ignored, and so is `default_port` (":80"),
/// which either may leave out; an empty port is none. REQUIRES: is_authority of both
bool same_authority(std::string_view one, std::string_view other,
                    std::string_view default_port) noexcept;

}  // namespace ringhorn::http
