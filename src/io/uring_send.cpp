// Sends, and the silent ones among them.
//
// A send whose report may come in passing is offered to the socket once, while it is submitted
// (MSG_DONTWAIT), and is wanted whole (MSG_WAITALL): to the kernel anything less than all bytes is
// a failure, and successes have no completion (IOSQE_CQE_SKIP_SUCCESS). So once the kernel has
// taken the request, its completion is at hand, or waits for room in the queue, or all bytes went:
// silence is the report. A turn that has only such sends to submit needs no look before the wait.
// try_silence() asks the kernel whether it is so; where it is not, these sends are reported as any
// other.

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "send_now.hpp"
#include "uring_driver.hpp"

namespace ringhorn::io {

namespace {
// What one send(2) takes at most (MAX_RW_COUNT); more would not fit the request's 32 bits either.
constexpr std::size_t sent_bytes_max = 0x7ffff000;

constexpr int once_and_whole = MSG_DONTWAIT | MSG_WAITALL;

}  // namespace

void UringDriver::start(Send& send) {
  OperationAccess::in_flight(send) = true;
  const msghdr& message = OperationAccess::message(send);
  const bool in_passing = OperationAccess::report(send) == Report::in_passing;
  const int flags = MSG_NOSIGNAL | (in_passing ? once_and_whole : 0);
  io_uring_sqe& sqe = ring_.next_sqe();
  if (message.msg_iovlen == 1) {
    // One run needs no message header to be read and checked by the kernel.
    const iovec& run = message.msg_iov[0];
    ::io_uring_prep_send(&sqe, send.fd(), run.iov_base, std::min(run.iov_len, sent_bytes_max),
                         flags);
  } else {
    ::io_uring_prep_sendmsg(&sqe, send.fd(), &message, static_cast<unsigned>(flags));
  }
  sqe.user_data = label(&send, Tag::send);
  if (in_passing && keeps_silence_) {
    sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
    OperationAccess::ticket(send) = ring_.last_ticket();
    silent_.push_back(send);
  } else {
    prompt_ticket_ = ring_.last_ticket();
  }
}

void UringDriver::stop(Send& send) {
  OperationAccess::stopping(send) = true;
  // A silent one is found gone, and that ends the wait.
  cancel(send, label(&send, Tag::send));
}

/// Whether the kernel is silent on a send that goes whole, and on no other: on a socket whose
/// buffer is too small for the second of three.
bool UringDriver::try_silence() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return false;
  }
  const base::UniqueFd near(ends[0]);
  base::UniqueFd far(ends[1]);
  const int small = 4096;
  ::setsockopt(near.value(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  const std::string bytes(65536, '.');
  for (const std::size_t size : {std::size_t{1}, bytes.size(), std::size_t{1}}) {
    io_uring_sqe& sqe = ring_.next_sqe();
    ::io_uring_prep_send(&sqe, near.value(), bytes.data(), size, MSG_NOSIGNAL | once_and_whole);
    sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe.user_data = label(nullptr, Tag::none);
  }
  ring_.enter(Ring::Wait::no);
  const unsigned count = ring_.completions();
  const bool kept = count == 2 && ring_.completion(0).res > 0 &&
                    ring_.completion(0).res < static_cast<int>(bytes.size()) &&
                    ring_.completion(1).res == -EAGAIN;
  // Where the kernel waits for room all the same, it gives up now.
  far.reset();
  ring_.enter(Ring::Wait::no);
  ring_.advance(ring_.completions());
  return kept;
}

/// True when settle_silent() has something to report.
bool UringDriver::silence_is_over() const noexcept {
  const Operation* first = silent_.front();
  return first != nullptr && !ring_.overflowed() &&
         ring_.has_taken(OperationAccess::ticket(static_cast<const Send&>(*first)));
}

/// Before any completion is dispatched: bytes that came in answer to a send find it ended.
void UringDriver::settle_silent() {
  for (unsigned index = 0; index < ring_.completions(); ++index) {
    const std::uint64_t data = ring_.completion(index).user_data;
    if ((data & tag_mask) == static_cast<std::uint64_t>(Tag::send)) {
      // Its completion will be dispatched as any other.
      reinterpret_cast<Send*>(data & ~tag_mask)->unlink();
    }
  }
  // A handler may start silent sends, and even submit them: those are not for now.
  const unsigned last = ring_.last_taken();
  for (Operation* each = silent_.front(); each != nullptr; each = silent_.front()) {
    auto& send = static_cast<Send&>(*each);
    if (Ring::is_after(OperationAccess::ticket(send), last)) {
      break;
    }
    send.unlink();
    const std::size_t all = bytes_of(OperationAccess::message(send));
    complete(send, static_cast<int>(std::min(all, sent_bytes_max)));
  }
}

void UringDriver::complete(Send& send, int result) {
  send.unlink();
  const bool stopping = OperationAccess::stopping(send);
  if ((result == -EINTR || result == -EAGAIN) && !stopping) {
    if (OperationAccess::report(send) == Report::promptly) {
      return start(send);
    }
    result = 0;
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
