#include "epoll_driver.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>

namespace ringhorn::io {

EpollDriver::~EpollDriver() {
  RINGHORN_ASSERT(inherited() || !has_stops());
}

bool EpollDriver::wait(base::Nanoseconds timeout_ns) {
  if (inherited()) {
    return true;
  }
  send_queued();
  // Sends mostly end at once, and what they lead to is done sooner than a look is. But no two waits
  // in a row go without one: who always has something to do must still hear of others.
  if (has_completions() && looked_) {
    looked_ = false;
    return true;
  }
  tell_changes();
  looked_ = true;
  return look(has_completions() ? 0 : timeout_ns);
}

bool EpollDriver::look(base::Nanoseconds timeout_ns) {
  const int count = wait_events(time_left_ns(timeout_ns));
  if (count < 0) {
    RINGHORN_ASSERT(errno == EINTR);
    return false;
  }
  for (int index = 0; index < count; ++index) {
    on_event(events_[static_cast<std::size_t>(index)]);
  }
  return true;
}

/// `timeout_ns`, or less when a timer is due before.
base::Nanoseconds EpollDriver::time_left_ns(base::Nanoseconds timeout_ns) const noexcept {
  const base::Nanoseconds deadline_ns = timers_.next_deadline_ns();
  if (timeout_ns == 0 || deadline_ns == TimerQueue::never) {
    return timeout_ns;
  }
  const base::Nanoseconds clock_ns = base::monotonic_ns();
  const base::Nanoseconds left_ns = deadline_ns <= clock_ns ? 0 : deadline_ns - clock_ns;
  return timeout_ns < 0 ? left_ns : std::min(left_ns, timeout_ns);
}

/// As epoll_wait(2).
int EpollDriver::wait_events(base::Nanoseconds timeout_ns) noexcept {
  const int size = static_cast<int>(events_per_turn_);
  if (timeout_ns > 0 && !coarse_clock_) {
    // By number: what is built here may run with a C library that does not know it (5.11).
    constexpr long epoll_pwait2 = 441;
    const timespec left{timeout_ns / base::ns_per_s, timeout_ns % base::ns_per_s};
    const long count =
        ::syscall(epoll_pwait2, epoll_fd_.value(), events_.get(), size, &left, nullptr, 0UL);
    // Old seccomp profiles forbid what they have not heard of.
    coarse_clock_ = count < 0 && (errno == ENOSYS || errno == EPERM);
    if (!coarse_clock_) {
      return static_cast<int>(count);
    }
  }
  int timeout_ms = -1;
  if (timeout_ns >= 0) {
    const base::Nanoseconds whole_ms =
        (timeout_ns / base::ns_per_ms) + (timeout_ns % base::ns_per_ms > 0);
    timeout_ms = static_cast<int>(std::min<base::Nanoseconds>(whole_ms, INT_MAX));
  }
  return ::epoll_wait(epoll_fd_.value(), events_.get(), size, timeout_ms);
}

void EpollDriver::on_event(const epoll_event& event) {
  if (event.data.u64 == wake_data) {
    woken_ = true;
    return;
  }
  Registration& registration = table_.at(static_cast<int>(event.data.u64 & 0xffffffff));
  if (registration.generation != event.data.u64 >> 32) {
    return;  // of an earlier file with this number, which some other process holds open
  }
  const bool input = (event.events & (Registration::receive_events | EPOLLHUP | EPOLLERR)) != 0;
  const bool output = (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  if (Receive* receive = registration.receive; receive != nullptr && input) {
    registration.rest |= event.events & Registration::rest_events;
    if (!receive->linked()) {
      due_.push_back(*receive);
    }
  }
  if (Send* send = registration.send; send != nullptr && output) {
    try_send(*send);
  }
  if (Accept* accept = registration.accept; accept != nullptr && !accept->linked()) {
    due_.push_back(*accept);
  }
  report_ready(registration, event.events);
  if ((registration.told & EPOLLONESHOT) != 0) {
    registration.certain = false;
    tell_later(registration);
  }
}

void EpollDriver::dispatch_completions() {
  while (Operation* operation = later_.pop_front()) {
    due_.push_back(*operation);
  }
  if (woken_) {
    woken_ = false;
    if (waker_.take() && wake_handler_ != nullptr) {
      wake_handler_->on_woken();
    }
  }
  for (unsigned left = events_per_turn_; left > 0 && !due_.empty(); --left) {
    run(*due_.pop_front());
  }
}

void EpollDriver::run(Operation& operation) {
  switch (OperationAccess::kind(operation)) {
    case OperationAccess::Kind::accept:
      return run(static_cast<Accept&>(operation));
    case OperationAccess::Kind::receive:
      return run(static_cast<Receive&>(operation));
    case OperationAccess::Kind::send:
      return run(static_cast<Send&>(operation));
    case OperationAccess::Kind::poll:
      return run(static_cast<Poll&>(operation));
  }
}

void EpollDriver::close(base::UniqueFd fd) {
  if (inherited()) {
    return;
  }
  if (Registration* registration = table_.find(fd.value())) {
    RINGHORN_ASSERT(!registration->in_use());
    // The kernel forgets what it was told with the last copy of the descriptor; where a forked
    // process holds another, events go on, and their generation gives them away.
    registration->unlink();
    registration->told = 0;
  }
}

}  // namespace ringhorn::io
