#include "fair_share.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace ringhorn::net {

namespace {

/// So many more than another are no reason to wait: below it, looking costs more than it gains.
constexpr std::size_t slack(std::size_t fewest) {
  return 8 + fewest / 8;
}

}  // namespace

void FairShare::join(std::size_t connections) noexcept {
  joined_ = peers_.mine != nullptr;
  note(connections);
}

void FairShare::note(std::size_t connections) noexcept {
  if (joined_) {
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max() - 1;
    peers_.mine->accepting_with.store(static_cast<std::uint32_t>(std::min(connections, most)) + 1,
                                      std::memory_order_relaxed);
  }
}

void FairShare::leave() noexcept {
  if (joined_) {
    joined_ = false;
    peers_.mine->accepting_with.store(0, std::memory_order_relaxed);
  }
}

bool FairShare::yields(std::size_t connections, base::Nanoseconds now_ns) noexcept {
  if (!joined_ || connections <= slack(0)) {
    return false;
  }
  const auto fewest = peers_.board->fewest_connections(*peers_.mine);
  if (!fewest || connections <= *fewest + slack(*fewest)) {
    yields_ = 0;
    return false;
  }
  if (*fewest > fewest_) {
    yields_ = 0;
    rested_ns_ = now_ns;
  }
  fewest_ = *fewest;
  if (now_ns < rested_ns_) {
    return false;
  }
  if (yields_ == yields_max) {
    yields_ = 0;
    rested_ns_ = now_ns + rest_ns;
    return false;
  }
  ++yields_;
  return true;
}

}  // namespace ringhorn::net
