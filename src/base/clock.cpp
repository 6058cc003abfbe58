#include <ringhorn/base/clock.hpp>

#include <ctime>

namespace ringhorn::base {

Nanoseconds monotonic_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<Nanoseconds>(now.tv_sec) * ns_per_s + now.tv_nsec;
}

std::int64_t wall_seconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

}  // namespace ringhorn::base
