#include <ringhorn/config/endpoint.hpp>

#include <algorithm>

#include <ringhorn/config/options.hpp>

#include "values.hpp"

namespace ringhorn::config {

namespace {

constexpr std::uint16_t default_port = 8000;

std::optional<Endpoint> read_unix(std::string_view text) {
  const bool abstract = text.starts_with('@');
  const std::string_view name = abstract ? text.substr(1) : text;
  const bool whole = !name.empty() && name.size() <= Endpoint::unix_path_bytes_max &&
                     name.find('\0') == std::string_view::npos;
  if (!whole) {
    return std::nullopt;
  }
  return Endpoint{abstract ? Endpoint::Kind::unix_abstract : Endpoint::Kind::unix_path,
                  std::string(name), 0, -1};
}

std::optional<Endpoint> read_descriptor(std::string_view text) {
  const auto number = read_integer(text, 0, 1'000'000);
  if (!number) {
    return std::nullopt;
  }
  return Endpoint{Endpoint::Kind::descriptor, {}, 0, static_cast<int>(*number)};
}

bool is_host(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return c == '/' || c == '[' || c == ']' || static_cast<unsigned char>(c) <= ' ';
  });
}

/// `host`, `host:port`, `:port`, `[v6]`, `[v6]:port`. An IPv6 address without brackets is refused:
/// its last group might be meant as a port.
std::optional<Endpoint> read_tcp(std::string_view text, std::uint16_t port) {
  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end == 1) {
      return std::nullopt;
    }
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (!is_host(host) || (host.empty() && rest.empty())) {
    return std::nullopt;
  }
  Endpoint endpoint{Endpoint::Kind::tcp, std::string(host), port, -1};
  if (!rest.empty()) {
    const auto number =
        rest.front() == ':' ? read_integer(rest.substr(1), 0, UINT16_MAX) : std::nullopt;
    if (!number) {
      return std::nullopt;
    }
    endpoint.port = static_cast<std::uint16_t>(*number);
  }
  return endpoint;
}

}  // namespace

std::optional<Endpoint> read_endpoint(std::string_view text, std::uint16_t port) {
  constexpr std::string_view unix_prefix = "unix:";
  constexpr std::string_view descriptor_prefix = "fd://";
  if (text.starts_with(unix_prefix)) {
    return read_unix(text.substr(unix_prefix.size()));
  }
  if (text.starts_with(descriptor_prefix)) {
    return read_descriptor(text.substr(descriptor_prefix.size()));
  }
  return read_tcp(text, port);
}

bool has_endpoints(const Options& options) {
  return !options.binds.empty() || !options.uds.empty() || options.fd.has_value();
}

std::vector<Endpoint> endpoints_of(const Options& options) {
  std::vector<Endpoint> endpoints = options.binds;
  if (!options.uds.empty()) {
    endpoints.push_back({Endpoint::Kind::unix_path, options.uds, 0, -1});
  }
  if (options.fd) {
    endpoints.push_back({Endpoint::Kind::descriptor, {}, 0, static_cast<int>(*options.fd)});
  }
  if (endpoints.empty()) {
    endpoints.push_back({Endpoint::Kind::tcp, options.host, options.port, -1});
  }
  return endpoints;
}

bool read_bind(std::string_view text, Options& options) {
  auto endpoint = read_endpoint(text, default_port);
  if (endpoint) {
    options.binds.push_back(std::move(*endpoint));
  }
  return endpoint.has_value();
}

bool read_uds(std::string_view text, Options& options) {
  const auto endpoint = read_unix(text);
  if (!endpoint || endpoint->kind != Endpoint::Kind::unix_path) {
    return false;
  }
  options.uds = endpoint->host;
  return true;
}

bool read_fd(std::string_view text, Options& options) {
  const auto endpoint = read_descriptor(text);
  if (endpoint) {
    options.fd = static_cast<std::uint32_t>(endpoint->descriptor);
  }
  return endpoint.has_value();
}

bool is_owner(std::string_view text) {
  const std::size_t colon = text.find(':');
  const bool named = !text.empty() && text != ":" &&
                     (colon == std::string_view::npos || text.find(':', colon + 1) == text.npos);
  return named && text.back() != ':' && text.find_first_of(" \t\r\n/") == text.npos;
}

std::optional<std::uint32_t> read_permissions(std::string_view text) {
  const bool octal = !text.empty() && text.size() <= 4 &&
                     text.find_first_not_of("01234567") == std::string_view::npos;
  if (!octal) {
    return std::nullopt;
  }
  std::uint32_t mode = 0;
  for (const char digit : text) {
    mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
  }
  return mode > 0777 ? std::nullopt : std::optional(mode);
}

}  // namespace ringhorn::config
