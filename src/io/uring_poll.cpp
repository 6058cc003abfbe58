#include <poll.h>

#include "uring_driver.hpp"

namespace ringhorn::io {

void UringDriver::start(Poll& poll, short events) {
  OperationAccess::in_flight(poll) = true;
  io_uring_sqe& sqe = ring_.next_sqe();
  ::io_uring_prep_poll_add(&sqe, poll.fd(), static_cast<unsigned short>(events));
  sqe.user_data = label(&poll, Tag::poll);
}

void UringDriver::stop(Poll& poll) {
  if (!poll.in_flight()) {
    return report_stopped_later(poll);
  }
  OperationAccess::stopping(poll) = true;
  cancel(poll, label(&poll, Tag::poll));
}

void UringDriver::complete(Poll& poll, int result) {
  if (OperationAccess::stopping(poll)) {
    return report_stopped(poll);
  }
  OperationAccess::in_flight(poll) = false;
  // The only way to fail is a descriptor that is none: poll(2) says POLLNVAL then.
  const int events = result < 0 ? POLLNVAL : result;
  OperationAccess::handler(poll).on_ready(static_cast<short>(events));
}

}  // namespace ringhorn::io
