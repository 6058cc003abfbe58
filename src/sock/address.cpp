#include <ringhorn/sock/address.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace ringhorn::sock {

namespace {

// The socket functions fill a sockaddr_storage; copying out of it keeps the aliasing rules.
template <typename T>
T view_as(const sockaddr_storage& storage) noexcept {
  static_assert(sizeof(T) <= sizeof(sockaddr_storage));
  T address;
  std::memcpy(&address, &storage, sizeof(T));
  return address;
}

std::string numeric_host(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, address, text.data(), text.size()) != nullptr ? text.data() : "";
}

Address make_ipv6(const sockaddr_in6& address) {
  // A dual-stack listener shows IPv4 peers as ::ffff:a.b.c.d: people and ASGI want a.b.c.d.
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    in_addr ipv4{};
    std::memcpy(&ipv4, address.sin6_addr.s6_addr + 12, sizeof ipv4);
    return {Address::Family::ipv4, ntohs(address.sin6_port), numeric_host(AF_INET, &ipv4)};
  }
  return {Address::Family::ipv6, ntohs(address.sin6_port),
          numeric_host(AF_INET6, &address.sin6_addr)};
}

Address make_unix(const sockaddr_un& address, socklen_t length) {
  constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
  const std::size_t size = length > path_offset ? length - path_offset : 0;
  std::string path;
  if (size > 0 && address.sun_path[0] == '\0') {
    // An abstract name is not zero-terminated; `@` is how ss(8) and systemd print its first byte.
    path.assign("@").append(address.sun_path + 1, size - 1);
  } else {
    path.assign(address.sun_path, ::strnlen(address.sun_path, size));
  }
  return {Address::Family::unix_path, 0, path};
}

template <typename Ask>
Address ask_kernel(int fd, Ask ask) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (ask(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return {};
  }
  return make_address(storage, length);
}

}  // namespace

std::string Address::to_string() const {
  switch (family) {
    case Family::none:
      return "";
    case Family::ipv4:
      return host + ":" + std::to_string(port);
    case Family::ipv6:
      return "[" + host + "]:" + std::to_string(port);
    case Family::unix_path:
      return host;
  }
  return "";
}

bool Address::is_local() const {
  return family == Family::unix_path || (family == Family::ipv4 && host.starts_with("127.")) ||
         (family == Family::ipv6 && host == "::1");
}

Address make_address(const sockaddr_storage& storage, socklen_t length) {
  if (storage.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
    const auto address = view_as<sockaddr_in>(storage);
    return {Address::Family::ipv4, ntohs(address.sin_port),
            numeric_host(AF_INET, &address.sin_addr)};
  }
  if (storage.ss_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    return make_ipv6(view_as<sockaddr_in6>(storage));
  }
  if (storage.ss_family == AF_UNIX) {
    return make_unix(view_as<sockaddr_un>(storage), length);
  }
  return {};
}

Address local_address(int fd) {
  return ask_kernel(fd, ::getsockname);
}

Address peer_address(int fd) {
  return ask_kernel(fd, ::getpeername);
}

}  // namespace ringhorn::sock
