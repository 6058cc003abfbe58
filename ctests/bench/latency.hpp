/// Latencies counted by size, 32 steps for each power of two: percentiles within 3 %, in memory
/// that does not grow.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace bench {

class Latencies {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[index_of(nanoseconds)];
    ++total_;
  }
  std::uint64_t total() const { return total_; }
  /// The latency that `share` (0 to 1) of all did not exceed, in microseconds.
  double microseconds_at(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (unsigned index = 0; index < counts_.size(); ++index) {
      seen += counts_[index];
      if (seen > wanted) {
        return static_cast<double>(value_of(index)) / 1000;
      }
    }
    return 0;
  }

 private:
  static constexpr unsigned step_bits = 5;

  static unsigned index_of(std::uint64_t value) {
    if (value < 1U << step_bits) {
      return static_cast<unsigned>(value);
    }
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - step_bits;
    return ((shift + 1) << step_bits) + static_cast<unsigned>((value >> shift) & 31);
  }
  static std::uint64_t value_of(unsigned index) {
    if (index < 1U << step_bits) {
      return index;
    }
    const unsigned shift = (index >> step_bits) - 1;
    return std::uint64_t{(index & 31) | 32} << shift;
  }

  std::array<std::uint64_t, 61 << step_bits> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace bench
