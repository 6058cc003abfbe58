/// Wear tells when a worker has served long enough, by what the user has set: requests, memory,
/// age. Made by a worker that has a supervisor, when it serves; asked with each sign of life. It
/// reads one file of /proc and only when memory is limited.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/config/options.hpp>

namespace ringhorn::worker {

class Wear {
 public:
  /// The jitter is drawn here.
  Wear(const config::Options& options, base::Nanoseconds now_ns);

  /// Why the worker is to be replaced, as the end of a sentence; empty while it is not, and from
  /// the first answer on. `finished_count`: responses so far.
  std::string take_reason(std::uint64_t finished_count, base::Nanoseconds now_ns);

 private:
  std::string reason(std::uint64_t finished_count, base::Nanoseconds now_ns) const;

  std::uint64_t requests_max_ = 0;  ///< 0: no limit
  std::uint64_t rss_mib_max_ = 0;
  base::Nanoseconds end_ns_ = 0;
  bool told_ = false;
};

/// Memory of this process that is in use (resident set), in bytes; empty when it cannot be read.
std::optional<std::uint64_t> resident_bytes();

}  // namespace ringhorn::worker
