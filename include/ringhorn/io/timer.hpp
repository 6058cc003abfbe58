/// Timer calls its handler once when its time has come; TimerQueue is the binary heap that holds the
/// armed ones. Times are base::monotonic_ns().
#pragma once

#include <cstddef>
#include <vector>

#include <ringhorn/base/clock.hpp>

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
  /// Arms `timer`, or moves it when it is armed. O(log n). Equal deadlines expire in the order in
  /// which they were armed.
  void arm(Timer& timer, base::Nanoseconds deadline_ns);
  /// Does nothing when not armed. O(log n).
  void disarm(Timer& timer) noexcept;
  /// The earliest deadline; the largest value there is when none is armed.
  base::Nanoseconds next_deadline_ns() const noexcept;
  /// Runs on_expired of each timer whose deadline is not after `now_ns`, earliest first; timers
  /// armed meanwhile wait for the next call.
  void expire(base::Nanoseconds now_ns);

 private:
  struct Entry {
    base::Nanoseconds deadline_ns;
    std::uint64_t order;
    Timer* timer;
  };
  void place(std::size_t index, const Entry& entry) noexcept;
  void sift_up(std::size_t index) noexcept;
  void sift_down(std::size_t index) noexcept;

  std::vector<Entry> heap_;
  std::uint64_t armed_count_ = 0;
};

}  // namespace ringhorn::io
