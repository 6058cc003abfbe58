/// Backoff says how long to wait before a worker is started again in a place where workers keep
/// dying. The first death costs no time; from the second fast one on the waits double. One per slot
/// of the Fleet. Pure: it reads no clock.
#pragma once

#include <algorithm>

#include <ringhorn/base/clock.hpp>

namespace ringhorn::supervisor {

class Backoff {
 public:
  /// A worker that served for at least this long was sound: what killed it came from outside.
  static constexpr base::Nanoseconds sound_ns = base::ns_per_s;
  static constexpr base::Nanoseconds first_ns = base::ns_per_s / 2;
  static constexpr base::Nanoseconds longest_ns = 30 * base::ns_per_s;

  /// A worker has died that had served for `served_ns`; 0 when it never became ready. Returns the
  /// wait before the next.
  base::Nanoseconds on_death(base::Nanoseconds served_ns) noexcept {
    if (served_ns >= sound_ns) {
      wait_ns_ = 0;
      fast_ = 0;
      return 0;
    }
    ++fast_;
    if (fast_ >= 2) {
      wait_ns_ = std::clamp(2 * wait_ns_, first_ns, longest_ns);
    }
    return wait_ns_;
  }
  /// Somebody has done something about it: a reload.
  void reset() noexcept {
    fast_ = 0;
    wait_ns_ = 0;
  }

 private:
  unsigned fast_ = 0;
  base::Nanoseconds wait_ns_ = 0;
};

}  // namespace ringhorn::supervisor
