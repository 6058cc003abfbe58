/// RateLimit lets one line of a kind through per period, so that a flood of peers is not a flood of
/// log lines.
#pragma once

#include <ringhorn/base/clock.hpp>

namespace ringhorn::net {

class RateLimit {
 public:
  /// `period_ns` > 0.
  explicit RateLimit(base::Nanoseconds period_ns) noexcept : period_ns_(period_ns) {}

  /// Whether a line may be written now; then none may for a period. The first one always may.
  bool allow(base::Nanoseconds now_ns) noexcept {
    if (now_ns < next_ns_) {
      return false;
    }
    next_ns_ = now_ns + period_ns_;
    return true;
  }

 private:
  base::Nanoseconds period_ns_;
  base::Nanoseconds next_ns_ = INT64_MIN;
};

}  // namespace ringhorn::net
