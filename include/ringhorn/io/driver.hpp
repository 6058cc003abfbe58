/// Driver is the one place where a worker meets the kernel: it takes operations, waits, and runs
/// the handlers of what has ended. Two backends implement it: the ring (`make_uring_driver`) and
/// epoll (backend.hpp). One thread only, but for wake(). A turn of the worker is
///
///     driver.flush();              // owners of pending output queue their sends
///     driver.wait(timeout_ns);     // the kernel gets what is queued; waits for the first
///     driver.dispatch();           // runs handlers, then expired timers
///
/// wait() runs no handler and touches no operation's owner: it may be called with Python's GIL
/// released. Handlers run in dispatch() only. A driver is made in the thread that uses it, and goes
/// after every operation on it has ended.
///
/// It works for the process that made it. In a child that was forked since it is *inherited*: what
/// parent and child share in the kernel is the parent's, so nothing is submitted, watched, sent or
/// woken, no handler runs and no operation ends. Whoever drops an operation or a driver there may
/// do so in flight; close() closes the child's copy of the descriptor.
#pragma once

#include <memory>
#include <string>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/fork_mark.hpp>
#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/base/result.hpp>
#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/io/operation.hpp>
#include <ringhorn/io/timer.hpp>
#include <ringhorn/io/turn_handler.hpp>

namespace ringhorn::io {

class Accept;
class Poll;
class Receive;
class Send;

/// Someone who holds back output until the turn ends.
struct FlushTag;
class FlushHook : public base::ListNode<FlushTag> {
 public:
  /// Called once by every flush(), with the hook still registered. It may unregister any hook; one
  /// that is registered meanwhile has its first call in the next flush.
  virtual void on_flush() = 0;

 protected:
  ~FlushHook() = default;
};

/// Called by wake(), from dispatch().
class WakeHandler {
 public:
  virtual void on_woken() = 0;

 protected:
  ~WakeHandler() = default;
};

class Driver {
 public:
  static constexpr base::Nanoseconds forever = -1;

  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  virtual ~Driver() = default;

  /// Runs every registered FlushHook, in the order of registration.
  void flush();
  /// Submits what is queued and waits until something has ended, a timer is due, wake() was called,
  /// a signal came, or `timeout_ns` has passed; 0 only submits and looks, `forever` has no limit.
  /// Never waits while completions are at hand, and may then leave the look to the wait after it.
  /// May return early with nothing to do. An armed Timer is cheaper than a `timeout_ns`. Returns
  /// false when a signal broke the wait (EINTR).
  virtual bool wait(base::Nanoseconds timeout_ns) = 0;
  /// True when dispatch() has something to do without a wait.
  virtual bool has_completions() const noexcept = 0;
  /// True when wait() has requests to hand to the kernel.
  virtual bool has_submissions() const noexcept = 0;
  /// True when some of those mostly end at once and are waited for, so that a wait(0) may well
  /// spare a real one.
  virtual bool expects_answers() const noexcept = 0;
  /// Runs the handlers of what has ended, a bounded number of them (the rest is left for the next
  /// call, and the wait before it does not block), then the due timers.
  void dispatch();

  /// Makes the current or the next wait() return and then runs the WakeHandler once, however many
  /// calls came meanwhile. Callable from any thread and from a signal handler, while the driver
  /// lives.
  virtual void wake() noexcept = 0;
  void on_wake(WakeHandler* handler) noexcept { wake_handler_ = handler; }

  /// Closes in the background, behind what is queued for it. Operations on it must have ended.
  virtual void close(base::UniqueFd fd) = 0;

  TimerQueue& timers() noexcept { return timers_; }
  void add_flush_hook(FlushHook& hook) noexcept { flush_hooks_.push_back(hook); }
  /// There is something for the next flush(): called when the first of it is queued.
  void want_flush() { turn_due(); }
  /// The time at which the current dispatch began: cheap, and good enough for timeouts.
  base::Nanoseconds now_ns() const noexcept {
    return turn_handler_ == nullptr ? now_ns_ : base::monotonic_ns();
  }

  /// A descriptor that is readable (poll(2)) while wait(0) has something to fetch from the kernel;
  /// timers do not show there. For a loop that cannot wait in wait(). -1 with errno set when there
  /// are no descriptors or no memory left.
  virtual int descriptor() = 0;
  /// Turns are run by another loop from now on, which tells `handler` when one is due; null: by
  /// whoever calls wait(). Between two turns now_ns() is the true time.
  void on_turn_due(TurnHandler* handler) noexcept {
    turn_handler_ = handler;
    timers_.on_turn_due(handler);
  }
  /// Whether this process is a forked child of the one that made the driver.
  bool inherited() const noexcept { return fork_mark_.in_child(); }
  /// The backend's name: "io_uring" or "epoll".
  virtual const char* name() const noexcept = 0;

 protected:
  // Operations call these; whoever owns an operation calls the operation.
  friend class Accept;
  friend class Operation;
  friend class Poll;
  friend class Receive;
  friend class Send;

  Driver() = default;

  virtual void start(Accept& operation) = 0;
  virtual void stop(Accept& operation) = 0;
  virtual void start(Receive& operation) = 0;
  virtual void pause(Receive& operation) = 0;
  virtual void stop(Receive& operation) = 0;
  virtual void start(Send& operation) = 0;
  virtual void stop(Send& operation) = 0;
  virtual void start(Poll& operation, short events) = 0;
  virtual void stop(Poll& operation) = 0;
  /// Runs the handlers of the completions at hand.
  virtual void dispatch_completions() = 0;

  /// Leaves the stop of an idle operation for the next dispatch to report.
  void report_stopped_later(Operation& operation) noexcept;
  /// Ends a stop: the operation is free again, and its handler hears of it.
  void report_stopped(Operation& operation);
  void turn_due() {
    if (turn_handler_ != nullptr) {
      turn_handler_->on_turn_due();
    }
  }
  /// True when the next dispatch has a stop to report.
  bool has_stops() const noexcept { return stops_ > 0; }
  const base::ForkMark& fork_mark() const noexcept { return fork_mark_; }

  TimerQueue timers_;
  WakeHandler* wake_handler_ = nullptr;
  base::Nanoseconds now_ns_ = base::monotonic_ns();

 private:
  /// Marks how far the hooks of one flush reach.
  class FlushEnd final : public FlushHook {
   public:
    void on_flush() override {}
  };

  base::ForkMark fork_mark_;
  TurnHandler* turn_handler_ = nullptr;
  base::IntrusiveList<FlushHook, FlushTag> flush_hooks_;
  FlushEnd flush_end_;
  base::IntrusiveList<Operation, OperationTag> stopped_;
  unsigned stops_ = 0;  ///< length of `stopped_`
};

/// Sizes of a ring; the defaults fit a worker with ten thousand connections.
struct UringSettings {
  unsigned queue_entries = 1024;
  /// Received bytes of all connections lie one behind the other in few large buffers where the
  /// kernel can do that (6.12); otherwise, and when told so, each receive has a buffer to itself.
  bool share_receive_buffers = true;
  unsigned shared_buffer_count = 4;
  unsigned shared_buffer_bytes = 262144;
  unsigned receive_buffer_count = 256;
  unsigned receive_buffer_bytes = 16384;
  /// Completions handled before output is flushed and the kernel is asked again.
  unsigned events_per_turn = 64;
  /// A receive that has been quiet for this long or twice that is looked at once: the kernel may
  /// have forgotten to tell its end.
  base::Nanoseconds recheck_ns = base::ns_per_s;
};

/// Sets up a ring in this thread (after fork, after dropping privileges: CVE-2024-22017).
/// On failure: one sentence that names the cause (seccomp, kernel.io_uring_disabled, memory limit,
/// kernel too old) and what to do about it.
base::Result<std::unique_ptr<Driver>, std::string> make_uring_driver(const UringSettings& settings);

}  // namespace ringhorn::io
