/// Timer calls its handler once when its time has come; TimerQueue is the binary heap that holds
/// the armed ones. Times are base::monotonic_ns(). A driver owns one queue and expires it at the
/// end of each dispatch; the queue itself never reads a clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/io/turn_handler.hpp>

namespace ringhorn::io {

class TimerQueue;

class Timer {
 public:
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const noexcept { return index_ != none; }
  /// REQUIRES: armed()
  base::Nanoseconds deadline_ns() const noexcept { return deadline_ns_; }

 protected:
  Timer() = default;
  /// REQUIRES: !armed()
  ~Timer();
  /// The deadline has passed and the timer is no longer armed; it may be armed again, or destroyed.
  virtual void on_expired() = 0;

 private:
  friend class TimerQueue;
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  base::Nanoseconds deadline_ns_ = 0;
  std::size_t index_ = none;
};

class TimerQueue {
 public:
  /// The deadline that never comes.
  static constexpr base::Nanoseconds never = std::numeric_limits<base::Nanoseconds>::max();

  /// Arms `timer`, or moves it when it is armed. O(log n). Equal deadlines expire in the order in
  /// which they were armed.
  void arm(Timer& timer, base::Nanoseconds deadline_ns);
  /// Does nothing when not armed. O(log n).
  void disarm(Timer& timer) noexcept;
  /// The earliest deadline; `never` when none is armed.
  base::Nanoseconds next_deadline_ns() const noexcept {
    return heap_.empty() ? never : heap_.front().deadline_ns;
  }
  /// Runs on_expired of each timer whose deadline is not after `now_ns`, earliest first; timers
  /// armed meanwhile wait for the next call, whatever their deadline. An on_expired may arm, disarm
  /// and destroy any timer.
  void expire(base::Nanoseconds now_ns);
  /// `handler` (null: nobody) is told whenever a timer is armed as the earliest.
  void on_turn_due(TurnHandler* handler) noexcept { turn_handler_ = handler; }

 private:
  struct Entry {
    base::Nanoseconds deadline_ns;
    std::uint64_t order;
    Timer* timer;
  };
  static bool is_before(const Entry& left, const Entry& right) noexcept;
  void place(std::size_t index, const Entry& entry) noexcept;
  void settle(std::size_t index, const Entry& entry) noexcept;

  std::vector<Entry> heap_;
  std::uint64_t armed_count_ = 0;
  TurnHandler* turn_handler_ = nullptr;
  /// No entry gets a deadline before this: what is armed during expire() is beyond its `now_ns`.
  base::Nanoseconds earliest_ns_ = std::numeric_limits<base::Nanoseconds>::min();
};

}  // namespace ringhorn::io
