#include <algorithm>
#include <cerrno>

#include "uring_driver.hpp"

namespace ringhorn::io {

namespace {
// What one send(2) takes at most (MAX_RW_COUNT); more would not fit the request's 32 bits either.
constexpr std::size_t run_bytes_max = 0x7ffff000;
}  // namespace

void UringDriver::start(Send& send) {
  OperationAccess::in_flight(send) = true;
  const msghdr& message = OperationAccess::message(send);
  io_uring_sqe& sqe = ring_.next_sqe();
  if (message.msg_iovlen == 1) {
    // One run needs no message header to be read and checked by the kernel.
    const iovec& run = message.msg_iov[0];
    ::io_uring_prep_send(&sqe, send.fd(), run.iov_base, std::min(run.iov_len, run_bytes_max),
                         MSG_NOSIGNAL);
  } else {
    ::io_uring_prep_sendmsg(&sqe, send.fd(), &message, MSG_NOSIGNAL);
  }
  sqe.user_data = label(&send, Tag::send);
}

void UringDriver::stop(Send& send) {
  OperationAccess::stopping(send) = true;
  cancel(send, label(&send, Tag::send));
}

void UringDriver::complete(Send& send, int result) {
  const bool stopping = OperationAccess::stopping(send);
  if ((result == -EINTR || result == -EAGAIN) && !stopping) {
    return start(send);
  }
  if (result < 0 && stopping) {
    return report_stopped(send);
  }
  OperationAccess::in_flight(send) = false;
  OperationAccess::stopping(send) = false;
  OperationAccess::cancelling(send) = false;
  SendHandler& handler = OperationAccess::handler(send);
  return result >= 0 ? handler.on_sent(static_cast<std::size_t>(result))
                     : handler.on_send_error(-result);
}

}  // namespace ringhorn::io
