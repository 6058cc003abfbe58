#include "ring.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::io {

namespace {

// Deferred task work (6.1) runs completions in enter() only: no interruptions, best batching.
constexpr unsigned deferred = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                              IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL;
// The next best (5.19): completions run at the next system call, without an interrupt. Kernels
// before that lack multishot receive too.
constexpr unsigned cooperative =
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL;

// What liburing 2.3 does not name (6.15): a wait counts as idle time of the processor. Without it
// a server that nobody asks anything shows as a processor that waits for a disk.
constexpr unsigned feature_no_iowait = 1U << 17;
constexpr unsigned enter_no_iowait = 1U << 7;

// A completion queue that overflows loses nothing but is slow.
constexpr unsigned completions_per_request = 4;

/// What io_uring_enter may answer in the ordinary course of things.
bool is_passing(int error) {
  return error == EINTR || error == EBUSY || error == EAGAIN || error == ETIME || error == ENOMEM;
}

}  // namespace

Ring::~Ring() {
  // A child's unmapping would hit whatever it has mapped at these addresses since.
  if (open_ && !fork_mark_.in_child()) {
    kernel_->tear_down(ring_);
  }
}

int Ring::open(unsigned queue_entries) {
  RINGHORN_ASSERT(!open_);
  int result = -EINVAL;
  for (const unsigned flags : {deferred, cooperative}) {
    io_uring_params params{};
    params.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = completions_per_request * queue_entries;
    result = kernel_->set_up(queue_entries, ring_, params);
    if (result != -EINVAL) {
      break;
    }
  }
  if (result != 0) {
    return -result;
  }
  if ((ring_.features & feature_no_iowait) != 0) {
    wait_flags_ |= enter_no_iowait;
  }
  open_ = true;
  return 0;
}

int Ring::register_buffers(io_uring_buf_ring* ring, unsigned entries, unsigned short flags) {
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring);
  registration.ring_entries = entries;
  // The field behind the group is called `pad` by liburing 2.3 and `flags` by later ones.
  constexpr std::size_t flags_at =
      offsetof(io_uring_buf_reg, bgid) + sizeof(io_uring_buf_reg::bgid);
  std::memcpy(reinterpret_cast<char*>(&registration) + flags_at, &flags, sizeof flags);
  return -kernel_->register_buffers(ring_, registration);
}

io_uring_sqe& Ring::next_sqe() {
  while (unsubmitted() == ring_.sq.ring_entries) {
    // Never a wait, and no completions are run: whoever is filling the queue is inside a handler.
    // When the kernel is out of memory for requests, collecting completions frees some.
    const int result = call_enter(0, 0);
    if (result < 0) {
      call_enter(0, IORING_ENTER_GETEVENTS);
    }
  }
  return ring_.sq.sqes[ring_.sq.sqe_tail++ & ring_.sq.ring_mask];
}

bool Ring::enter(Wait wait) {
  if (wait == Wait::no) {
    if (unsubmitted() > 0 || kernel_has_news()) {
      call_enter(0, IORING_ENTER_GETEVENTS);
    }
    return true;
  }
  const int result = call_enter(1, wait_flags_);
  // The kernel reports how many requests it took rather than EINTR when it took some: then only the
  // lack of completions tells that the wait was broken.
  return result != -EINTR && (result < 0 || completions() > 0);
}

int Ring::call_enter(unsigned completions_min, unsigned flags) noexcept {
  const unsigned count = unsubmitted();
  ring_.sq.sqe_head = ring_.sq.sqe_tail;
  ::io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
  const int result = kernel_->enter(ring_, count, completions_min, flags);
  RINGHORN_ASSERT(result >= 0 || is_passing(-result));
  return result;
}

/// True when only a system call brings the completions that are ready inside the kernel.
bool Ring::kernel_has_news() const noexcept {
  constexpr unsigned news = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
  return (IO_URING_READ_ONCE(*ring_.sq.kflags) & news) != 0;
}

}  // namespace ringhorn::io
