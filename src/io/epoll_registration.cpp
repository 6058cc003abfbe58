// What the kernel is told to watch, and what becomes of those who wait when it does not.

#include <poll.h>

#include <cerrno>

#include "epoll_driver.hpp"

namespace ringhorn::io {

Registration* EpollDriver::join(int fd) {
  Registration* registration = table_.add(fd);
  if (registration != nullptr && !registration->in_use()) {
    registration->error = 0;
  }
  return registration;
}

int EpollDriver::watch_error(int fd) noexcept {
  const Registration* registration = table_.find(fd);
  return registration != nullptr ? registration->error : EBADF;
}

void EpollDriver::tell_later(Registration& registration) noexcept {
  if (!registration.linked()) {
    changed_.push_back(registration);
  }
}

void EpollDriver::tell_changes() {
  while (Registration* registration = changed_.pop_front()) {
    tell(*registration);
  }
}

void EpollDriver::tell(Registration& registration) {
  const std::uint32_t wanted = registration.wanted();
  // What nobody waits for is left as it is: it reports one more event at most, or edges that are
  // few and that nobody hears.
  if (wanted == 0 || registration.covers(wanted)) {
    return;
  }
  // An exclusive registration cannot be changed, only taken back.
  if (((registration.told | wanted) & EPOLLEXCLUSIVE) != 0 && registration.told != 0) {
    control(registration, EPOLL_CTL_DEL, 0);
    registration.told = 0;
  }
  const int usual = registration.told != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  int error = control(registration, usual, wanted);
  if (error == ENOENT || error == EEXIST) {
    // The number stands for another file than it did, or for the one before that.
    error = control(registration, usual == EPOLL_CTL_MOD ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, wanted);
  }
  registration.told = error == 0 ? wanted : 0;
  registration.certain = error == 0;
  registration.error = error;
  if (error != 0) {
    give_up(registration, error);
  }
}

/// As epoll_ctl(2); 0 or an errno.
int EpollDriver::control(Registration& registration, int operation, std::uint32_t mask) noexcept {
  if (operation == EPOLL_CTL_ADD) {
    ++registration.generation;
  }
  epoll_event event{};
  event.events = mask;
  event.data.u64 =
      std::uint64_t{registration.generation} << 32 | static_cast<std::uint32_t>(registration.fd);
  const int result = ::epoll_ctl(epoll_fd_.value(), operation, registration.fd, &event);
  return result == 0 ? 0 : errno;
}

void EpollDriver::give_up(Registration& registration, int error) {
  if (registration.receive != nullptr && !registration.receive->linked()) {
    due_.push_back(*registration.receive);
  }
  if (registration.accept != nullptr && !registration.accept->linked()) {
    due_.push_back(*registration.accept);
  }
  if (Send* send = registration.send) {
    registration.send = nullptr;
    OperationAccess::outcome(*send) = -error;
    due_.push_back(*send);
  }
  // A file that cannot be waited for is always ready, as poll(2) has it.
  std::uint32_t events = EPOLLERR;
  if (error == EPERM) {
    events = EPOLLIN | EPOLLOUT;
  } else if (error == EBADF) {
    events = POLLNVAL;
  }
  report_ready(registration, events);
}

}  // namespace ringhorn::io
