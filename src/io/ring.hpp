/// Ring is one io_uring: its setup, the queue of requests to the kernel and the queue of
/// completions. UringDriver, its only owner, fills the one and reads the other; this class knows no
/// operations and runs no handlers. One thread only, the one that opened it.
#pragma once

#include <liburing.h>

#include <memory>
#include <utility>

#include <ringhorn/base/fork_mark.hpp>

#include "kernel.hpp"

namespace ringhorn::io {

class Ring {
 public:
  /// `fork_mark`, borrowed, tells whether the queues are there.
  Ring(std::unique_ptr<Kernel> kernel, const base::ForkMark& fork_mark) noexcept
      : kernel_(std::move(kernel)), fork_mark_(fork_mark) {}
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  /// Waits for nothing: the kernel gives up what is in flight. In a forked child, which never had
  /// the queues, nothing happens.
  ~Ring();

  /// Makes the ring, with the best flags this kernel has. 0 or the errno of io_uring_setup(2).
  int open(unsigned queue_entries);
  bool is_open() const noexcept { return open_; }
  /// Registers `ring` for provided buffers as group 0, with the kernel's IOU_PBUF_RING_* `flags`. 0
  /// or an errno.
  int register_buffers(io_uring_buf_ring* ring, unsigned entries, unsigned short flags);
  void unregister_buffers() { kernel_->unregister_buffers(ring_, 0); }

  /// Has the eventfd written to whenever enter() has something to collect. 0 or an errno.
  int register_news(int event_fd) { return -::io_uring_register_eventfd(&ring_, event_fd); }

  /// A request to fill in with one of the io_uring_prep_* functions, which set every field of it;
  /// it leaves with the next enter(). Submits by itself when the queue is full.
  io_uring_sqe& next_sqe();
  /// Requests that the kernel has not yet taken.
  unsigned unsubmitted() const noexcept { return ring_.sq.sqe_tail - *ring_.sq.khead; }
  /// Names the last request that next_sqe() gave.
  unsigned last_ticket() const noexcept { return ring_.sq.sqe_tail; }
  /// Whether the kernel has taken that request: what it has to say of it at once is a completion
  /// at hand by then, unless overflowed().
  bool has_taken(unsigned ticket) const noexcept { return !is_after(ticket, last_taken()); }
  /// The ticket of the last request that the kernel has taken.
  unsigned last_taken() const noexcept { return *ring_.sq.khead; }
  /// Whether the request of the one ticket is behind that of the other; they run over.
  static bool is_after(unsigned ticket, unsigned other) noexcept {
    return static_cast<int>(ticket - other) > 0;
  }
  /// Completions wait in the kernel for room in the queue.
  bool overflowed() const noexcept {
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0;
  }

  enum class Wait { until_completion, no };
  /// Submits what is queued and collects what has ended; one system call, or none when there is
  /// nothing to submit, nothing to collect and nothing to wait for. Returns false when a signal
  /// broke the wait.
  bool enter(Wait wait);

  /// Completions at hand. They stay in place until advance().
  unsigned completions() const noexcept { return ::io_uring_cq_ready(&ring_); }
  /// REQUIRES: index < completions()
  const io_uring_cqe& completion(unsigned index) const noexcept {
    return ring_.cq.cqes[(*ring_.cq.khead + index) & ring_.cq.ring_mask];
  }
  /// Gives the first `count` completions back to the kernel.
  void advance(unsigned count) noexcept { ::io_uring_cq_advance(&ring_, count); }

 private:
  int call_enter(unsigned completions_min, unsigned flags) noexcept;
  bool kernel_has_news() const noexcept;

  std::unique_ptr<Kernel> kernel_;
  io_uring ring_{};
  unsigned wait_flags_ = IORING_ENTER_GETEVENTS;
  const base::ForkMark& fork_mark_;
  bool open_ = false;
};

}  // namespace ringhorn::io
