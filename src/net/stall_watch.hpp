/// StallWatch tells a client that takes nothing from one that takes little: a send of a large piece
/// ends only when the kernel has room again, which a slow reader may take minutes to make, so that
/// the end of a send alone is no measure of progress (robustness 39). A Connection asks it each
/// time a part of its write timeout has passed; what the peer has not acknowledged (SIOCOUTQ) is
/// the measure. It arms nothing and closes nothing.
#pragma once

#include <cstdint>

namespace ringhorn::net {

class StallWatch {
 public:
  /// The write timeout is asked about in so many parts: one that stalls is given up after the whole
  /// of it and a part at most.
  static constexpr int parts = 4;

  /// A send has begun or some of it has ended.
  void restart() noexcept { quiet_parts_ = 0; }
  /// A part has passed without the end of a send on `fd`: true when nothing was acknowledged
  /// either, for the whole timeout.
  bool stalled(int fd) noexcept;

 private:
  int unsent_bytes_ = 0;
  std::uint8_t quiet_parts_ = 0;  ///< parts that have passed; the first only sets the measure
};

}  // namespace ringhorn::net
