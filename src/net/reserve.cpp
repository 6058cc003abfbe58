#include "reserve.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <string_view>

namespace ringhorn::net {

namespace {

constexpr std::string_view refusal =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    "content-length: 19\r\n"
    "connection: close\r\n"
    "retry-after: 1\r\n"
    "\r\n"
    "Service Unavailable";

void refuse(int socket) noexcept {
  ::send(socket, refusal.data(), refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(socket, SHUT_WR);
  // A close on unread bytes would send RST, which can destroy the answer (RFC 9112 §9.6).
  std::array<char, 16384> unread;
  for (int reads = 0; reads < 4; ++reads) {
    if (::recv(socket, unread.data(), unread.size(), MSG_DONTWAIT) <= 0) {
      return;
    }
  }
}

}  // namespace

int Reserve::shed(int listen_fd, int count_max) noexcept {
  int count = 0;
  bool waiting = true;
  while (waiting && count < count_max && spare_) {
    spare_.reset();
    {
      const base::UniqueFd socket(
          ::accept4(listen_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      waiting = static_cast<bool>(socket);
      if (waiting) {
        refuse(socket.value());
        ++count;
      }
    }
    refill();
  }
  if (!spare_) {
    refill();  // another thread of the application was quicker, the last time
  }
  return count;
}

void Reserve::refill() noexcept {
  spare_.reset(::eventfd(0, EFD_CLOEXEC));
}

}  // namespace ringhorn::net
