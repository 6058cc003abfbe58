/// What all fuzz targets share: how libFuzzer's bytes become the input of one run. The first four
/// choose cuts and limits, the rest is what the peer sends. A target defines run().
#pragma once

#include <cstdint>
#include <string_view>

namespace ringhorn::fuzz {

struct Input {
  std::string_view bytes;
  std::uint32_t cuts;  ///< for fuzz::feed; never 0, which would be one piece
  bool small_limits;   ///< they are reached by small inputs
};

/// One run: checks what it promises by require(). Defined once in each target.
void run(const Input& input);

}  // namespace ringhorn::fuzz
