#include <sys/socket.h>

#include <cerrno>

#include "epoll_driver.hpp"

namespace ringhorn::io {

namespace {
/// Connections taken per turn: what is left in the queue is reported again, or goes to another
/// worker that has more time.
constexpr int accepts_per_run = 16;
}  // namespace

void EpollDriver::start(Accept& accept) {
  OperationAccess::in_flight(accept) = true;
  Registration* registration = join(accept.fd());
  if (registration == nullptr) {
    return later_.push_back(accept);
  }
  RINGHORN_ASSERT(registration->accept == nullptr);
  registration->accept = &accept;
  tell_later(*registration);
}

void EpollDriver::stop(Accept& accept) {
  accept.unlink();
  leave(accept);
  report_stopped_later(accept);
}

void EpollDriver::run(Accept& accept) {
  for (int left = accepts_per_run; left > 0; --left) {
    const int socket = ::accept4(accept.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int error = errno;
    if (socket >= 0) {
      OperationAccess::handler(accept).on_accepted(base::UniqueFd(socket));
      if (OperationAccess::stopping(accept)) {
        return;
      }
      continue;
    }
    if (error == EAGAIN) {
      error = watch_error(accept.fd());
      if (error == 0) {
        return;
      }
    } else if (concerns_one_connection(error)) {
      continue;
    }
    leave(accept);
    OperationAccess::in_flight(accept) = false;
    OperationAccess::handler(accept).on_accept_error(error);
    return;
  }
}

void EpollDriver::leave(Accept& accept) noexcept {
  Registration* registration = table_.find(accept.fd());
  if (registration == nullptr || registration->accept != &accept) {
    return;
  }
  registration->accept = nullptr;
  // A level that nobody takes note of would end every wait, and go on doing so after the listener
  // is closed as long as another process holds it open.
  if ((registration->told & EPOLLEXCLUSIVE) != 0) {
    control(*registration, EPOLL_CTL_DEL, 0);
    registration->told = 0;
  }
  note_departure(*registration);
}

}  // namespace ringhorn::io
