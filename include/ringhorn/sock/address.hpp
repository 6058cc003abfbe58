/// Address is an IPv4, IPv6 or Unix socket address in the forms that people and ASGI read: what
/// listeners print and what `scope["client"]` and `scope["server"]` hold. It resolves no names.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace ringhorn::sock {

struct Address {
  enum class Family : std::uint8_t { none, ipv4, ipv6, unix_path };
  Family family = Family::none;
  std::uint16_t port = 0;
  std::string host;  ///< numeric, without brackets and scope; the path of a Unix socket

  /// `127.0.0.1:8000`, `[::1]:8000`, the path, or "" for none.
  std::string to_string() const;

  /// Clients are on this machine: a loopback address or a Unix socket.
  bool is_local() const;

  bool operator==(const Address& other) const = default;
};

/// Reads what accept, getsockname or getpeername gave.
Address make_address(const sockaddr_storage& storage, socklen_t length);
/// The local address of `fd`; none when it cannot be told.
Address local_address(int fd);
/// The peer's address of `fd`; none when it cannot be told.
Address peer_address(int fd);

}  // namespace ringhorn::sock
