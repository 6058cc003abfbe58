// Receives, and the two ways in which they wait.
//
// As a rule one request receives many times, into buffers that all receives share: a small request
// costs no call and no memory of its own. Much from many is another matter: it goes through all the
// buffers, which are more than the caches hold, and at last finds none. Such a receive becomes
// *bulky*: its next request waits for readiness alone, and what has come is read with recv(2) into
// one buffer that stays in the caches. Once that brings little it receives as before. It changes
// from one to the other between two requests only.

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "uring_driver.hpp"

namespace ringhorn::io {

namespace {
// A bulky receive that brings less is so no more.
constexpr ssize_t bulky_bytes_min = 4096;
}  // namespace

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
  if (OperationAccess::bulky(receive)) {
    ::io_uring_prep_poll_add(&sqe, receive.fd(), POLLIN | POLLRDHUP);
    sqe.user_data = label(&receive, Tag::readiness);
    return;
  }
  ::io_uring_prep_recv_multishot(&sqe, receive.fd(), nullptr, 0, 0);
  sqe.flags |= IOSQE_BUFFER_SELECT;
  sqe.buf_group = BufferRing::group;
  sqe.user_data = label(&receive, Tag::receive);
  prompt_ticket_ = ring_.last_ticket();
}

void UringDriver::cancel(Receive& receive) {
  const Tag tag = OperationAccess::bulky(receive) ? Tag::readiness : Tag::receive;
  cancel(receive, label(&receive, tag));
}

void UringDriver::pause(Receive& receive) {
  if (receive.in_flight()) {
    cancel(receive);
  }
}

void UringDriver::stop(Receive& receive) {
  receive.unlink();
  if (!receive.in_flight()) {
    return report_stopped_later(receive);
  }
  OperationAccess::stopping(receive) = true;
  cancel(receive);
}

/// The completion of a receive that brought no bytes: its end, or the lack of a buffer.
void UringDriver::complete_end(Receive& receive, int result, unsigned flags) {
  // A single buffer that was picked for nothing comes back; of a shared one nothing was used.
  if ((flags & IORING_CQE_F_BUFFER) != 0) {
    buffers_.release(BufferRing::id(flags));
  }
  if ((flags & IORING_CQE_F_MORE) != 0) {
    return;
  }
  receive.unlink();
  if (OperationAccess::stopping(receive)) {
    return report_stopped(receive);
  }
  if (result == -ENOBUFS) {
    // Other completions still hold the buffers.
    OperationAccess::bulky(receive) = true;
  }
  if (result == -ECANCELED || result == -ENOBUFS || result == -EINTR || result == -EAGAIN) {
    return go_on(receive);
  }
  OperationAccess::wanted(receive) = false;
  go_on(receive);
  ReceiveHandler& handler = OperationAccess::handler(receive);
  return result == 0 ? handler.on_receive_end() : handler.on_receive_error(-result);
}

/// Bytes that come at once but do not fit one buffer come as completions in a row, and mostly lie
/// in a row, too: they are one run for the handler, so that a large body is not torn. Takes
/// completions from `index` on, `end` excluded, and returns how many.
unsigned UringDriver::complete_bytes(unsigned index, unsigned end) {
  const io_uring_cqe* last = &ring_.completion(index);
  auto& receive = *reinterpret_cast<Receive*>(last->user_data & ~tag_mask);
  RINGHORN_ASSERT((last->flags & IORING_CQE_F_BUFFER) != 0);
  const unsigned short first_id = BufferRing::id(last->flags);
  std::span<char> bytes = buffers_.take(first_id, static_cast<std::size_t>(last->res));
  unsigned count = 1;
  while (index + count < end && bytes.size() < received_bytes_max &&
         continues(bytes, *last, ring_.completion(index + count))) {
    last = &ring_.completion(index + count++);
    const auto size = static_cast<std::size_t>(last->res);
    buffers_.take(BufferRing::id(last->flags), size);
    bytes = {bytes.data(), bytes.size() + size};
  }
  const unsigned short last_id = BufferRing::id(last->flags);
  const bool ended = (last->flags & IORING_CQE_F_MORE) == 0;
  const bool more = (last->flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
  const bool stopping = OperationAccess::stopping(receive);
  // Armed before the handler runs: a receive that ended paused is idle, and the handler may destroy
  // it.
  if (ended && !stopping) {
    receive.unlink();
    go_on(receive);
  } else if (!stopping && !more) {
    recheck_later(receive);
  }
  if (!stopping) {
    OperationAccess::handler(receive).on_received(bytes);
  } else if (ended) {
    report_stopped(receive);
  }
  for (unsigned id = first_id; id <= last_id; ++id) {
    buffers_.release(static_cast<unsigned short>(id));
  }
  return count;
}

/// Whether `next` has the bytes behind `bytes`, in time and in memory; `last` had the last of them.
bool UringDriver::continues(std::span<const char> bytes, const io_uring_cqe& last,
                            const io_uring_cqe& next) const noexcept {
  return next.user_data == last.user_data && next.res > 0 &&
         (last.flags & IORING_CQE_F_MORE) != 0 &&
         buffers_.next(BufferRing::id(next.flags)) == bytes.data() + bytes.size();
}

/// After the last completion of a request: the next one, or rest.
void UringDriver::go_on(Receive& receive) {
  if (OperationAccess::wanted(receive)) {
    return arm(receive);
  }
  OperationAccess::in_flight(receive) = false;
  OperationAccess::cancelling(receive) = false;
}

/// The only completion of a request for readiness.
void UringDriver::complete_readiness(Receive& receive, int result) {
  if (OperationAccess::stopping(receive)) {
    return report_stopped(receive);
  }
  if (result >= 0 && OperationAccess::wanted(receive)) {
    return read(receive);
  }
  // Paused; or what was wrong with the descriptor is told by an ordinary receive.
  OperationAccess::bulky(receive) = result >= 0 || result == -ECANCELED;
  go_on(receive);
}

void UringDriver::read(Receive& receive) {
  const ssize_t count = ::recv(receive.fd(), bulk_.get(), received_bytes_max, MSG_DONTWAIT);
  const int error = count < 0 ? errno : 0;
  OperationAccess::bulky(receive) = count >= bulky_bytes_min;
  const bool again = error == EAGAIN || error == EINTR;
  OperationAccess::wanted(receive) = count > 0 || again;
  go_on(receive);
  if (again) {
    return;
  }
  ReceiveHandler& handler = OperationAccess::handler(receive);
  if (count > 0) {
    return handler.on_received({bulk_.get(), static_cast<std::size_t>(count)});
  }
  return count == 0 ? handler.on_receive_end() : handler.on_receive_error(error);
}

}  // namespace ringhorn::io
