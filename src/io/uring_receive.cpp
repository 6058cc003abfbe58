#include <cerrno>

#include "uring_driver.hpp"

namespace ringhorn::io {

void UringDriver::start(Receive& receive) {
  // A paused receive whose cancellation is under way is armed again by its last completion.
  if (!receive.in_flight()) {
    arm(receive);
  }
}

void UringDriver::arm(Receive& receive) {
  OperationAccess::in_flight(receive) = true;
  OperationAccess::cancelling(receive) = false;
  io_uring_sqe& sqe = ring_.next_sqe();
  ::io_uring_prep_recv_multishot(&sqe, receive.fd(), nullptr, 0, 0);
  sqe.flags |= IOSQE_BUFFER_SELECT;
  sqe.buf_group = BufferRing::group;
  sqe.user_data = label(&receive, Tag::receive);
}

void UringDriver::pause(Receive& receive) {
  if (receive.linked()) {
    receive.unlink();
    OperationAccess::in_flight(receive) = false;
  } else if (receive.in_flight()) {
    cancel(receive, label(&receive, Tag::receive));
  }
}

void UringDriver::stop(Receive& receive) {
  if (receive.linked() || !receive.in_flight()) {
    receive.unlink();
    return report_stopped_later(receive);
  }
  OperationAccess::stopping(receive) = true;
  cancel(receive, label(&receive, Tag::receive));
}

void UringDriver::complete(Receive& receive, int result, unsigned flags) {
  if (result > 0) {
    return complete_bytes(receive, static_cast<std::size_t>(result), flags);
  }
  if ((flags & IORING_CQE_F_BUFFER) != 0) {
    buffers_.recycle(BufferRing::id(flags));
  }
  if ((flags & IORING_CQE_F_MORE) != 0) {
    return;
  }
  if (OperationAccess::stopping(receive)) {
    return report_stopped(receive);
  }
  if (result == -ENOBUFS && OperationAccess::wanted(receive)) {
    // Arming it now would only fail again: other completions still hold the buffers.
    OperationAccess::cancelling(receive) = false;
    return starved_.push_back(receive);
  }
  if (result == -ECANCELED || result == -ENOBUFS || result == -EINTR || result == -EAGAIN) {
    return go_on(receive);
  }
  OperationAccess::wanted(receive) = false;
  go_on(receive);
  ReceiveHandler& handler = OperationAccess::handler(receive);
  return result == 0 ? handler.on_receive_end() : handler.on_receive_error(-result);
}

void UringDriver::complete_bytes(Receive& receive, std::size_t size, unsigned flags) {
  RINGHORN_ASSERT((flags & IORING_CQE_F_BUFFER) != 0);
  const unsigned short id = BufferRing::id(flags);
  const bool ended = (flags & IORING_CQE_F_MORE) == 0;
  if (OperationAccess::stopping(receive)) {
    buffers_.recycle(id);
    return ended ? report_stopped(receive) : void();
  }
  // Armed before the handler runs: a receive that ended paused is idle, and the handler may destroy
  // it.
  if (ended) {
    go_on(receive);
  }
  OperationAccess::handler(receive).on_received(buffers_.view(id, size));
  buffers_.recycle(id);
}

/// After the last completion of a request: the next one, or rest.
void UringDriver::go_on(Receive& receive) {
  if (OperationAccess::wanted(receive)) {
    return arm(receive);
  }
  OperationAccess::in_flight(receive) = false;
  OperationAccess::cancelling(receive) = false;
}

void UringDriver::arm_starved(unsigned budget) {
  for (; budget > 0 && !starved_.empty(); --budget) {
    arm(static_cast<Receive&>(*starved_.pop_front()));
  }
}

}  // namespace ringhorn::io
