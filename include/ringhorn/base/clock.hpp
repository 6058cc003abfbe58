/// The two clocks. Every timeout uses the monotonic one; only `Date` and log lines use the wall.
#pragma once

#include <cstdint>

namespace ringhorn::base {

/// Nanoseconds of CLOCK_MONOTONIC.
using Nanoseconds = std::int64_t;

inline constexpr Nanoseconds ns_per_ms = 1'000'000;
inline constexpr Nanoseconds ns_per_s = 1'000'000'000;

/// Nanoseconds since an arbitrary start; never goes back.
Nanoseconds monotonic_ns() noexcept;

/// Whole seconds since the epoch (CLOCK_REALTIME_COARSE); may jump either way.
std::int64_t wall_seconds() noexcept;

}  // namespace ringhorn::base
