#include <ringhorn/sock/address.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "support/catch.hpp"

using ringhorn::sock::Address;

namespace {

template <typename T>
Address read_address(const T& address, socklen_t length) {
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return ringhorn::sock::make_address(storage, length);
}

Address read_ipv6(const char* text, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  REQUIRE(::inet_pton(AF_INET6, text, &address.sin6_addr) == 1);
  return read_address(address, sizeof address);
}

Address read_unix(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return read_address(address,
                      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size()));
}

}  // namespace

TEST_CASE("Address reads and prints IPv4", "[sock]") {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(8000);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const Address read = read_address(address, sizeof address);
  REQUIRE(read == Address{Address::Family::ipv4, 8000, "127.0.0.1"});
  REQUIRE(read.to_string() == "127.0.0.1:8000");
}

TEST_CASE("Address reads and prints IPv6 in brackets", "[sock]") {
  const Address read = read_ipv6("2001:db8::1", 443);
  REQUIRE(read == Address{Address::Family::ipv6, 443, "2001:db8::1"});
  REQUIRE(read.to_string() == "[2001:db8::1]:443");
}

TEST_CASE("Address shows an IPv4 peer of an IPv6 listener as IPv4", "[sock]") {
  REQUIRE(read_ipv6("::ffff:192.0.2.7", 80) == Address{Address::Family::ipv4, 80, "192.0.2.7"});
}

TEST_CASE("Address reads Unix paths, abstract names and the unnamed end", "[sock]") {
  REQUIRE(read_unix("/run/app.sock").to_string() == "/run/app.sock");
  REQUIRE(read_unix(std::string_view("\0name", 5)).to_string() == "@name");
  REQUIRE(read_unix("") == Address{Address::Family::unix_path, 0, ""});
}

TEST_CASE("Address is none for what is too short or unknown", "[sock]") {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  REQUIRE(read_address(address, 4) == Address{});
  address.sin_family = AF_PACKET;
  REQUIRE(read_address(address, sizeof address) == Address{});
  REQUIRE(Address{}.to_string().empty());
}

TEST_CASE("local_address and peer_address are none for no socket", "[sock]") {
  REQUIRE(ringhorn::sock::local_address(-1) == Address{});
  REQUIRE(ringhorn::sock::peer_address(-1) == Address{});
}

TEST_CASE("Address knows which clients are on this machine", "[sock]") {
  CHECK(Address{Address::Family::ipv4, 80, "127.0.0.2"}.is_local());
  CHECK(Address{Address::Family::ipv6, 80, "::1"}.is_local());
  CHECK(Address{Address::Family::unix_path, 0, "/run/app.sock"}.is_local());
  CHECK_FALSE(Address{Address::Family::ipv4, 80, "0.0.0.0"}.is_local());
  CHECK_FALSE(Address{Address::Family::ipv6, 80, "::"}.is_local());
  CHECK_FALSE(Address{}.is_local());
}
