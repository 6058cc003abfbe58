#include <cerrno>
#include <system_error>

#include "epoll_driver.hpp"

namespace ringhorn::io {

namespace {

std::string explain_epoll(int error) {
  const std::string what =
      error == EMFILE || error == ENFILE
          ? "no file descriptor is left: raise the limit (ulimit -n, "
            "LimitNOFILE= of systemd)"
          : "[Errno " + std::to_string(error) + "] " + std::system_category().message(error);
  return "epoll cannot be set up: " + what;
}

}  // namespace

int EpollDriver::open(const EpollSettings& settings) {
  RINGHORN_ASSERT(settings.events_per_turn > 0 && settings.receive_buffer_bytes > 0);
  epoll_fd_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_fd_) {
    return errno;
  }
  if (const int error = waker_.open(); error != 0) {
    return error;
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = wake_data;
  if (::epoll_ctl(epoll_fd_.value(), EPOLL_CTL_ADD, waker_.fd(), &event) != 0) {
    return errno;
  }
  events_per_turn_ = settings.events_per_turn;
  buffer_bytes_ = settings.receive_buffer_bytes;
  buffer_ = std::make_unique_for_overwrite<char[]>(buffer_bytes_);
  events_ = std::make_unique<epoll_event[]>(events_per_turn_);
  return 0;
}

base::Result<std::unique_ptr<Driver>, std::string> make_epoll_driver(
    const EpollSettings& settings) {
  auto driver = std::make_unique<EpollDriver>();
  if (const int error = driver->open(settings); error != 0) {
    return base::Failure{explain_epoll(error)};
  }
  return std::unique_ptr<Driver>(std::move(driver));
}

}  // namespace ringhorn::io
