/// UringDriver is the Driver that stands on io_uring. This file is its map; each operation has a
/// source file of its own (uring_accept.cpp, uring_receive.cpp, …) with three steps: fill a request
/// (`arm`), ask for its end (`stop`), read its completion (`complete`).
///
/// Theory. A request carries the address of its operation and, in the low bits, a tag that says
/// what kind it is: a completion finds its way without a table. An operation is in flight from the
/// moment its request is queued until its last completion (the one without IORING_CQE_F_MORE) has
/// been read, so the kernel never holds the address of a dead object. A stop or a pause queues a
/// cancellation of that address; whatever the race between the two, the last completion comes, and
/// it decides: stopping ends the operation, wanted arms it again, neither leaves it idle. Requests
/// are taken in the order of the queue, so a cancellation never hits a later request of the same
/// address.
#pragma once

#include <memory>

#include <ringhorn/io/driver.hpp>

#include "buffer_ring.hpp"
#include "operation_access.hpp"
#include "ring.hpp"
#include "waker.hpp"

namespace ringhorn::io {

class UringDriver final : public Driver {
 public:
  /// Not usable before open() has succeeded.
  explicit UringDriver(std::unique_ptr<Kernel> kernel) noexcept
      : ring_(std::move(kernel), fork_mark()) {}
  ~UringDriver() override;

  /// On failure one sentence with the cause and the remedy.
  base::Result<bool, std::string> open(const UringSettings& settings);

  bool wait(base::Nanoseconds timeout_ns) override;
  bool has_completions() const noexcept override;
  bool has_submissions() const noexcept override { return !inherited() && ring_.unsubmitted() > 0; }
  bool expects_answers() const noexcept override {
    return has_submissions() && !ring_.has_taken(prompt_ticket_);
  }
  void wake() noexcept override {
    if (!inherited()) {
      waker_.wake();
    }
  }
  void close(base::UniqueFd fd) override;
  int descriptor() override;
  const char* name() const noexcept override { return "io_uring"; }

 private:
  enum class Tag : std::uint64_t { none, accept, receive, readiness, send, poll, wake, alarm };
  static constexpr std::uint64_t tag_mask = 7;
  /// What a receive's handler is given at once, at most: a large body must not hold up the others.
  static constexpr std::size_t received_bytes_max = 262144;

  static std::uint64_t label(const void* object, Tag tag) noexcept {
    return reinterpret_cast<std::uintptr_t>(object) | static_cast<std::uint64_t>(tag);
  }

  void start(Accept& accept) override;
  void stop(Accept& accept) override;
  void complete(Accept& accept, int result, unsigned flags);

  void start(Receive& receive) override;
  void pause(Receive& receive) override;
  void stop(Receive& receive) override;
  void complete_end(Receive& receive, int result, unsigned flags);
  static bool is_bytes(const io_uring_cqe& cqe) noexcept {
    return (cqe.user_data & tag_mask) == static_cast<std::uint64_t>(Tag::receive) && cqe.res > 0;
  }
  unsigned complete_bytes(unsigned index, unsigned end);
  bool continues(std::span<const char> bytes, const io_uring_cqe& last,
                 const io_uring_cqe& next) const noexcept;
  void complete_readiness(Receive& receive, int result);
  void read(Receive& receive);
  void arm(Receive& receive);
  void cancel(Receive& receive);
  void go_on(Receive& receive);

  void recheck_later(Receive& receive);
  void recheck();

  void start(Send& send) override;
  void stop(Send& send) override;
  void complete(Send& send, int result);
  bool try_silence();
  bool silence_is_over() const noexcept;
  void settle_silent();

  void start(Poll& poll, short events) override;
  void stop(Poll& poll) override;
  void complete(Poll& poll, int result);

  void arm_wake();
  void complete_wake(unsigned flags);
  void take_news() noexcept;
  void arm_alarm(base::Nanoseconds deadline_ns);
  void complete_alarm() noexcept { alarm_ns_ = TimerQueue::never; }

  void dispatch_completions() override;
  void complete(const io_uring_cqe& cqe);
  void cancel(Operation& operation, std::uint64_t target);

  Ring ring_;
  BufferRing buffers_;
  std::unique_ptr<char[]> bulk_;  ///< what read() reads into
  unsigned events_per_turn_ = 0;
  unsigned prompt_ticket_ = 0;  ///< of the last request that mostly ends at once
  bool keeps_silence_ = false;  ///< the kernel can do what uring_send.cpp says of silent sends
  /// Sends that have a completion only if they fall short, in the order of their requests.
  base::IntrusiveList<Operation, OperationTag> silent_;

  /// Looks at receives that have been quiet (uring_recheck.cpp).
  class RecheckTimer final : public Timer {
   public:
    explicit RecheckTimer(UringDriver& driver) noexcept : driver_(&driver) {}

   private:
    void on_expired() override { driver_->recheck(); }
    UringDriver* driver_;
  };
  RecheckTimer recheck_timer_{*this};
  base::Nanoseconds recheck_ns_ = 0;
  /// Those that got bytes since the timer last expired, and those that did before.
  base::IntrusiveList<Operation, OperationTag> heard_;
  base::IntrusiveList<Operation, OperationTag> quiet_;

  /// When the ring's own timeout fires; `never` when it is not armed.
  base::Nanoseconds alarm_ns_ = TimerQueue::never;
  __kernel_timespec alarm_time_{};

  Waker waker_;
  base::UniqueFd news_fd_;  ///< once descriptor() was asked for
};

}  // namespace ringhorn::io
