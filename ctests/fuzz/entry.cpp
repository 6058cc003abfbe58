#include "fuzz/entry.hpp"

#include <cstddef>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint32_t seed = 0;
  if (size >= sizeof seed) {
    std::memcpy(&seed, data, sizeof seed);
    ringhorn::fuzz::run(
        {.bytes = {reinterpret_cast<const char*>(data) + sizeof seed, size - sizeof seed},
         .cuts = seed | 2,
         .small_limits = (seed & 1) != 0});
  }
  return 0;
}
