#include <ringhorn/sock/listen.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fstream>
#include <string>

#include <ringhorn/sock/address.hpp>

#include "support/catch.hpp"

using ringhorn::base::UniqueFd;
using ringhorn::sock::Address;
using ringhorn::sock::bind_tcp;
using ringhorn::sock::bind_tcp_all;
using ringhorn::sock::granted_backlog;
using ringhorn::sock::ListenOptions;
using ringhorn::sock::local_address;

namespace {

int int_option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  REQUIRE(::getsockopt(fd, level, name, &value, &length) == 0);
  return value;
}

bool have_ipv6_loopback() {
  return bind_tcp({.host = "::1"}).ok();
}

/// Connects to `fd`'s address and returns both ends.
std::pair<UniqueFd, UniqueFd> connect_through(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  UniqueFd client(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(client.value(), reinterpret_cast<sockaddr*>(&address), length) == 0);
  UniqueFd server(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(server);
  return {std::move(client), std::move(server)};
}

}  // namespace

TEST_CASE("bind_tcp makes a socket fit for a worker", "[sock]") {
  UniqueFd fd = bind_tcp({.host = "127.0.0.1"}).take_value();
  REQUIRE((::fcntl(fd.value(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE((::fcntl(fd.value(), F_GETFL) & O_NONBLOCK) != 0);
  REQUIRE(int_option(fd.value(), SOL_SOCKET, SO_REUSEADDR) != 0);
  REQUIRE(int_option(fd.value(), SOL_SOCKET, SO_ACCEPTCONN) == 0);
  const Address address = local_address(fd.value());
  REQUIRE(address.host == "127.0.0.1");
  REQUIRE(address.port != 0);
}

TEST_CASE("bind_tcp: what the listener accepts has TCP_NODELAY", "[sock]") {
  UniqueFd fd = bind_tcp({.host = "127.0.0.1"}).take_value();
  REQUIRE(ringhorn::sock::listen(fd.value(), 16).ok());
  const auto [client, server] = connect_through(fd.value());
  REQUIRE(int_option(server.value(), IPPROTO_TCP, TCP_NODELAY) != 0);
  REQUIRE(ringhorn::sock::peer_address(client.value()) == local_address(fd.value()));
  REQUIRE(ringhorn::sock::peer_address(server.value()) == local_address(client.value()));
}

TEST_CASE("bind_tcp says in uvicorn's words that an address is in use", "[sock]") {
  UniqueFd taken = bind_tcp({.host = "127.0.0.1"}).take_value();
  REQUIRE(ringhorn::sock::listen(taken.value(), 1).ok());
  const std::uint16_t port = local_address(taken.value()).port;
  const auto again = bind_tcp({.host = "127.0.0.1", .port = port});
  REQUIRE(!again.ok());
  REQUIRE(again.error() == "[Errno 98] error while attempting to bind on address ('127.0.0.1', " +
                               std::to_string(port) + "): address already in use");
}

TEST_CASE("bind_tcp says that an address is not this machine's", "[sock]") {
  const auto bound = bind_tcp({.host = "192.0.2.1", .port = 8000});
  REQUIRE(!bound.ok());
  REQUIRE(bound.error() ==
          "[Errno 99] error while attempting to bind on address ('192.0.2.1', "
          "8000): cannot assign requested address");
}

TEST_CASE("bind_tcp names the host that cannot be resolved", "[sock]") {
  const auto bound = bind_tcp({.host = "no-such-host.invalid"});
  REQUIRE(!bound.ok());
  REQUIRE(bound.error().find("cannot resolve host 'no-such-host.invalid'") != std::string::npos);
}

TEST_CASE("bind_tcp takes IPv6 with and without brackets", "[sock]") {
  if (!have_ipv6_loopback()) {
    WARN("no IPv6 loopback here");
    return;
  }
  for (const char* host : {"::1", "[::1]"}) {
    UniqueFd fd = bind_tcp({.host = host}).take_value();
    REQUIRE(local_address(fd.value()).host == "::1");
    REQUIRE(int_option(fd.value(), IPPROTO_IPV6, IPV6_V6ONLY) != 0);
    REQUIRE(ringhorn::sock::listen(fd.value(), 1).ok());
    const std::uint16_t port = local_address(fd.value()).port;
    const auto again = bind_tcp({.host = host, .port = port});
    REQUIRE(!again.ok());
    REQUIRE(again.error() == "[Errno 98] error while attempting to bind on address ('::1', " +
                                 std::to_string(port) + ", 0, 0): address already in use");
  }
}

TEST_CASE("bind_tcp resolves localhost to the IPv4 loopback first", "[sock]") {
  UniqueFd fd = bind_tcp({.host = "localhost"}).take_value();
  REQUIRE(local_address(fd.value()).host == "127.0.0.1");
}

TEST_CASE("bind_tcp_all binds every interface on one port", "[sock]") {
  auto sockets = bind_tcp_all({.host = ""}).take_value();
  REQUIRE(local_address(sockets[0].value()).host == "0.0.0.0");
  if (have_ipv6_loopback()) {
    REQUIRE(sockets.size() == 2);
    REQUIRE(local_address(sockets[1].value()).host == "::");
    REQUIRE(local_address(sockets[1].value()).port == local_address(sockets[0].value()).port);
  }
}

TEST_CASE("bind_tcp_all fails when one address is taken", "[sock]") {
  UniqueFd taken = bind_tcp({.host = "127.0.0.1"}).take_value();
  REQUIRE(ringhorn::sock::listen(taken.value(), 1).ok());
  const auto bound = bind_tcp_all({.host = "localhost", .port = local_address(taken.value()).port});
  REQUIRE(!bound.ok());
  REQUIRE(bound.error().find("[Errno 98]") == 0);
}

TEST_CASE("A backlog is bounded by somaxconn (robustness 77)", "[sock]") {
  int somaxconn = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> somaxconn;
  REQUIRE(somaxconn > 0);
  CHECK(granted_backlog(1) == 1);
  CHECK(granted_backlog(somaxconn) == somaxconn);
  CHECK(granted_backlog(2147483647) == somaxconn);
}

TEST_CASE("listen says what is wrong with the socket", "[sock]") {
  const auto result = ringhorn::sock::listen(-1, 1);
  REQUIRE(!result.ok());
  REQUIRE(result.error().find("[Errno 9]") == 0);
}
