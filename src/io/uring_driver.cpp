#include "uring_driver.hpp"

#include <algorithm>

namespace ringhorn::io {

namespace {

/// A timer may come so late, so that those which are due soon after it come in the same turn. The
/// kernel grants itself 50 us in every other wait (PR_SET_TIMERSLACK), but none in the ring's.
constexpr base::Nanoseconds timer_slack_ns = 250 * 1000;

}  // namespace

UringDriver::~UringDriver() {
  timers_.disarm(recheck_timer_);
  if (inherited() || !ring_.is_open()) {
    return;
  }
  RINGHORN_ASSERT(silent_.empty() && !has_stops());
  // Sends the last close() on its way.
  if (ring_.unsubmitted() > 0) {
    ring_.enter(Ring::Wait::no);
  }
  buffers_.unmap();
}

bool UringDriver::wait(base::Nanoseconds timeout_ns) {
  if (inherited()) {
    return true;
  }
  if (timeout_ns == 0 || has_completions()) {
    // Completions that are at hand do not need a system call to be run; requests do.
    if (ring_.unsubmitted() > 0 || !has_completions()) {
      ring_.enter(Ring::Wait::no);
    }
    if (news_fd_) {
      take_news();
    }
    return true;
  }
  base::Nanoseconds deadline_ns = timers_.next_deadline_ns();
  if (timeout_ns > 0) {
    const base::Nanoseconds clock_ns = base::monotonic_ns();
    deadline_ns =
        std::min(deadline_ns, timeout_ns < TimerQueue::never - clock_ns ? clock_ns + timeout_ns
                                                                        : TimerQueue::never);
  }
  if (deadline_ns <= now_ns_) {
    ring_.enter(Ring::Wait::no);
    return true;
  }
  if (deadline_ns < alarm_ns_ - timer_slack_ns) {
    arm_alarm(deadline_ns + timer_slack_ns);
  }
  return ring_.enter(Ring::Wait::until_completion);
}

bool UringDriver::has_completions() const noexcept {
  return !inherited() && (ring_.completions() > 0 || has_stops() || silence_is_over());
}

void UringDriver::dispatch_completions() {
  if (silence_is_over()) {
    settle_silent();
  }
  const unsigned at_hand = ring_.completions();
  unsigned count = 0;
  while (count < at_hand && count < events_per_turn_) {
    const io_uring_cqe& cqe = ring_.completion(count);
    if (is_bytes(cqe)) {
      count += complete_bytes(count, at_hand);
    } else {
      complete(cqe);
      ++count;
    }
  }
  ring_.advance(count);
}

void UringDriver::complete(const io_uring_cqe& cqe) {
  void* const object = reinterpret_cast<void*>(cqe.user_data & ~tag_mask);
  switch (static_cast<Tag>(cqe.user_data & tag_mask)) {
    case Tag::none:
      return;
    case Tag::accept:
      return complete(*static_cast<Accept*>(object), cqe.res, cqe.flags);
    case Tag::receive:
      return complete_end(*static_cast<Receive*>(object), cqe.res, cqe.flags);
    case Tag::readiness:
      return complete_readiness(*static_cast<Receive*>(object), cqe.res);
    case Tag::send:
      return complete(*static_cast<Send*>(object), cqe.res);
    case Tag::poll:
      return complete(*static_cast<Poll*>(object), cqe.res);
    case Tag::wake:
      return complete_wake(cqe.flags);
    case Tag::alarm:
      return complete_alarm();
  }
}

void UringDriver::cancel(Operation& operation, std::uint64_t target) {
  RINGHORN_ASSERT(OperationAccess::in_flight(operation));
  if (OperationAccess::cancelling(operation)) {
    return;
  }
  OperationAccess::cancelling(operation) = true;
  io_uring_sqe& sqe = ring_.next_sqe();
  ::io_uring_prep_cancel64(&sqe, target, 0);
  // Of no interest either way: the cancelled request has a completion of its own.
  sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe.user_data = label(nullptr, Tag::none);
  prompt_ticket_ = ring_.last_ticket();
}

void UringDriver::close(base::UniqueFd fd) {
  if (inherited()) {
    return;
  }
  io_uring_sqe& sqe = ring_.next_sqe();
  ::io_uring_prep_close(&sqe, fd.release());
  sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe.user_data = label(nullptr, Tag::none);
}

}  // namespace ringhorn::io
