#include <cerrno>

#include "epoll_driver.hpp"
#include "send_now.hpp"

namespace ringhorn::io {

void EpollDriver::start(Send& send) {
  OperationAccess::in_flight(send) = true;
  OperationAccess::outcome(send) = -EAGAIN;
  unsent_.push_back(send);
}

void EpollDriver::stop(Send& send) {
  if (OperationAccess::outcome(send) > 0) {
    // The kernel has the bytes already, and on_sent says how many.
    OperationAccess::stopping(send) = true;
    return;
  }
  send.unlink();
  leave(send);
  report_stopped_later(send);
}

void EpollDriver::send_queued() {
  while (Operation* send = unsent_.pop_front()) {
    try_send(static_cast<Send&>(*send));
  }
}

void EpollDriver::try_send(Send& send) {
  // What one call takes fits an int: the kernel sees to it (MAX_RW_COUNT).
  auto outcome = static_cast<int>(send_now(send.fd(), OperationAccess::message(send)));
  if (outcome == -EAGAIN) {
    if (OperationAccess::report(send) == Report::promptly) {
      return park(send);
    }
    outcome = 0;
  }
  leave(send);
  OperationAccess::outcome(send) = outcome;
  due_.push_back(send);
}

/// Until there is room.
void EpollDriver::park(Send& send) {
  Registration* registration = join(send.fd());
  RINGHORN_ASSERT(registration != nullptr);
  registration->send = &send;
  if (!registration->covers(EPOLLOUT | EPOLLET)) {
    tell_later(*registration);
  }
}

void EpollDriver::run(Send& send) {
  const int outcome = OperationAccess::outcome(send);
  OperationAccess::in_flight(send) = false;
  OperationAccess::stopping(send) = false;
  SendHandler& handler = OperationAccess::handler(send);
  return outcome >= 0 ? handler.on_sent(static_cast<std::size_t>(outcome))
                      : handler.on_send_error(-outcome);
}

void EpollDriver::leave(Send& send) noexcept {
  Registration* registration = table_.find(send.fd());
  if (registration != nullptr && registration->send == &send) {
    registration->send = nullptr;
    note_departure(*registration);
  }
}

}  // namespace ringhorn::io
