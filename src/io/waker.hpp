/// Waker is how another thread or a signal handler ends a driver's wait: an eventfd that the driver
/// watches for edges, so that nobody has to read it. Both drivers own one. wake() may be called
/// from anywhere, the rest is the driver's thread's.
#pragma once

#include <atomic>

#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::io {

class Waker {
 public:
  /// 0 or an errno.
  int open() noexcept;
  /// Every wake() that reaches the kernel is an edge of POLLIN on it.
  int fd() const noexcept { return fd_.value(); }

  /// One write for however many calls come before the next take(). Leaves errno alone.
  void wake() noexcept;
  /// True when wake() was called since the last take(). To be asked before the handler runs, so
  /// that what is asked for meanwhile gets a wake of its own.
  bool take() noexcept { return pending_.exchange(false); }

 private:
  base::UniqueFd fd_;
  std::atomic<bool> pending_ = false;
};

}  // namespace ringhorn::io
