#include "authority.hpp"

#include "scan.hpp"

namespace ringhorn::http {

namespace {

bool is_port(std::string_view digits) noexcept {
  unsigned value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) {
      return false;
    }
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) {
      return false;
    }
  }
  return true;
}

bool is_ipv4(std::string_view text) noexcept {
  int parts = 0;
  while (parts < 4) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    // dec-octet has no leading zeros: some resolvers read them as octal.
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part[0] == '0')) {
      return false;
    }
    unsigned value = 0;
    for (const char c : part) {
      if (!is_digit(c)) {
        return false;
      }
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    if (value > 255) {
      return false;
    }
    ++parts;
    if (dot == text.npos) {
      return parts == 4;
    }
    text.remove_prefix(dot + 1);
  }
  return false;
}

// RFC 3986 §3.2.2 IPv6address: eight groups, of which one run may be written "::"; the last two may
// be an IPv4 address.
bool is_ipv6(std::string_view text) noexcept {
  int groups = 0;
  bool elided = false;
  if (text.substr(0, 2) == "::") {
    elided = true;
    text.remove_prefix(2);
    if (text.empty()) {
      return true;
    }
  }
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == text.npos && group.find('.') != group.npos) {
      groups += 2;
      return is_ipv4(group) && (elided ? groups < 8 : groups == 8);
    }
    if (group.empty() || group.size() > 4) {
      return false;
    }
    for (const char c : group) {
      if (hex_value(c) < 0) {
        return false;
      }
    }
    ++groups;
    if (colon == text.npos) {
      return elided ? groups < 8 : groups == 8;
    }
    text.remove_prefix(colon + 1);
    if (!text.empty() && text.front() == ':') {
      if (elided) {
        return false;
      }
      elided = true;
      text.remove_prefix(1);
      if (text.empty()) {
        return groups < 8;
      }
    }
  }
}

// IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
bool is_ip_future(std::string_view text) noexcept {
  const std::size_t dot = text.find('.');
  if (dot == text.npos || dot < 2 || dot + 1 == text.size() || (text[0] | 0x20) != 'v') {
    return false;
  }
  for (const char c : text.substr(1, dot - 1)) {
    if (hex_value(c) < 0) {
      return false;
    }
  }
  for (const char c : text.substr(dot + 1)) {
    if (c != ':' && !is_in(c, reg_name_char)) {
      return false;
    }
  }
  return true;
}

bool is_bracketed_authority(std::string_view text) noexcept {
  const std::size_t close = text.find(']');
  if (close == text.npos) {
    return false;
  }
  const std::string_view literal = text.substr(1, close - 1);
  const std::string_view port = text.substr(close + 1);
  return (is_ipv6(literal) || is_ip_future(literal)) &&
         (port.empty() || (port[0] == ':' && is_port(port.substr(1))));
}

std::string_view without_port(std::string_view text, std::string_view default_port) noexcept {
  if (!text.empty() && text.back() == ':') {
    return text.substr(0, text.size() - 1);
  }
  if (text.size() > default_port.size() &&
      text.substr(text.size() - default_port.size()) == default_port) {
    return text.substr(0, text.size() - default_port.size());
  }
  return text;
}

}  // namespace

bool is_authority(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '[') {
    return is_bracketed_authority(text);
  }
  const char* const end = text.data() + text.size();
  const char* at = skip_class(text.data(), end, reg_name_char);
  while (at != end && *at == '%') {
    if (end - at < 3 || hex_value(at[1]) < 0 || hex_value(at[2]) < 0) {
      return false;
    }
    at = skip_class(at + 3, end, reg_name_char);
  }
  const auto host_size = static_cast<std::size_t>(at - text.data());
  return host_size > 0 && (at == end || (*at == ':' && is_port(text.substr(host_size + 1))));
}

bool same_authority(std::string_view one, std::string_view other,
                    std::string_view default_port) noexcept {
  one = without_port(one, default_port);
  other = without_port(other, default_port);
  if (one.size() != other.size()) {
    return false;
  }
  for (std::size_t i = 0; i < one.size(); ++i) {
    const bool letters = is_alpha(one[i]) && is_alpha(other[i]);
    if (letters ? (one[i] | 0x20) != (other[i] | 0x20) : one[i] != other[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace ringhorn::http
