#include <sys/socket.h>

#include "uring_driver.hpp"

namespace ringhorn::io {

void UringDriver::start(Accept& accept) {
  OperationAccess::in_flight(accept) = true;
  io_uring_sqe& sqe = ring_.next_sqe();
  ::io_uring_prep_multishot_accept(&sqe, accept.fd(), nullptr, nullptr,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
  sqe.user_data = label(&accept, Tag::accept);
}

void UringDriver::stop(Accept& accept) {
  if (!accept.in_flight()) {
    return report_stopped_later(accept);
  }
  OperationAccess::stopping(accept) = true;
  cancel(accept, label(&accept, Tag::accept));
}

void UringDriver::complete(Accept& accept, int result, unsigned flags) {
  if (result >= 0) {
    OperationAccess::handler(accept).on_accepted(base::UniqueFd(result));
  }
  if ((flags & IORING_CQE_F_MORE) != 0) {
    return;
  }
  // Still in flight, so that the handler above could stop it but not destroy it.
  if (OperationAccess::stopping(accept)) {
    return report_stopped(accept);
  }
  if (result >= 0 || concerns_one_connection(-result)) {
    return start(accept);
  }
  OperationAccess::in_flight(accept) = false;
  OperationAccess::handler(accept).on_accept_error(-result);
}

}  // namespace ringhorn::io
