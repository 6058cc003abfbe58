// What ends a wait without an operation: wake() and the alarm of the earliest timer.

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "uring_driver.hpp"

namespace ringhorn::io {

void UringDriver::arm_wake() {
  // A poll that stays armed reports every write to the eventfd, so that nobody has to read it: a
  // wake costs no system call on this side.
  io_uring_sqe& sqe = ring_.next_sqe();
  ::io_uring_prep_poll_multishot(&sqe, waker_.fd(), POLLIN);
  sqe.user_data = label(nullptr, Tag::wake);
}

void UringDriver::complete_wake(unsigned flags) {
  if ((flags & IORING_CQE_F_MORE) == 0) {
    arm_wake();
  }
  if (waker_.take() && wake_handler_ != nullptr) {
    wake_handler_->on_woken();
  }
}

// The ring's own descriptor would not do: with deferred task work it tells of completions only once
// somebody has collected them.
int UringDriver::descriptor() {
  if (!news_fd_) {
    base::UniqueFd made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const int error = made ? ring_.register_news(made.value()) : errno;
    if (error != 0) {
      errno = error;
      return -1;
    }
    news_fd_ = std::move(made);
  }
  return news_fd_.value();
}

/// What is collected by now is no news any more; what has come in between is collected too.
void UringDriver::take_news() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = ::read(news_fd_.value(), &count, sizeof count);
  ring_.enter(Ring::Wait::no);
}

// A timeout given with the wait would be set up and torn down at every wait, and needs the clock to
// be read for it. This one is absolute and stays armed: deadlines mostly move away, and then it
// merely fires early, once.
void UringDriver::arm_alarm(base::Nanoseconds deadline_ns) {
  alarm_time_.tv_sec = deadline_ns / base::ns_per_s;
  alarm_time_.tv_nsec = deadline_ns % base::ns_per_s;
  io_uring_sqe& sqe = ring_.next_sqe();
  if (alarm_ns_ == TimerQueue::never) {
    ::io_uring_prep_timeout(&sqe, &alarm_time_, 0, IORING_TIMEOUT_ABS);
    sqe.user_data = label(nullptr, Tag::alarm);
  } else {
    ::io_uring_prep_timeout_update(&sqe, &alarm_time_, label(nullptr, Tag::alarm),
                                   IORING_TIMEOUT_ABS);
    sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe.user_data = label(nullptr, Tag::none);
  }
  alarm_ns_ = deadline_ns;
}

}  // namespace ringhorn::io
