#include <ringhorn/sock/service_manager.hpp>

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ringhorn::sock {

namespace {

base::UniqueFd connect_to(const std::string& address) {
  sockaddr_un where{};
  const bool known = address.size() > 1 && (address[0] == '/' || address[0] == '@') &&
                     address.size() < sizeof where.sun_path;
  if (!known) {
    return base::UniqueFd();
  }
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, address.data(), address.size());
  if (address[0] == '@') {
    where.sun_path[0] = '\0';
  }
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  const bool connected =
      socket && ::connect(socket.value(), reinterpret_cast<const sockaddr*>(&where), length) == 0;
  return connected ? std::move(socket) : base::UniqueFd();
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

}  // namespace

ServiceManager::ServiceManager(const std::string& address, std::string_view watchdog_us)
    : socket_(connect_to(address)) {
  std::int64_t limit_us = 0;
  const char* end = watchdog_us.data() + watchdog_us.size();
  const auto [stop, error] = std::from_chars(watchdog_us.data(), end, limit_us);
  const bool right = error == std::errc() && stop == end && limit_us > 1;
  if (right && listens() && limit_us < INT64_MAX / 1000) {
    watchdog_ns_ = limit_us * 1000 / 2;
  }
}

void ServiceManager::ready(std::string_view status) const {
  tell("READY=1\nSTATUS=" + one_line(status));
}

void ServiceManager::reloading() const {
  // Type=notify-reload wants to know when, so that an older READY is not taken for the answer.
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(base::monotonic_ns() / 1000) +
       "\nSTATUS=Restarting the application");
}

void ServiceManager::stopping() const {
  tell("STOPPING=1\nSTATUS=Shutting down");
}

void ServiceManager::succeeded_by(pid_t pid) const {
  tell("MAINPID=" + std::to_string(pid));
}

void ServiceManager::status(std::string_view text) const {
  tell("STATUS=" + one_line(text));
}

void ServiceManager::alive() const {
  tell("WATCHDOG=1");
}

/// A manager that is too busy to listen misses one: to wait for it would be worse.
void ServiceManager::tell(std::string_view lines) const {
  if (socket_) {
    ::send(socket_.value(), lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

}  // namespace ringhorn::sock
