/// A quick hash for the caches of this module. Not a defence: a collision only costs a cache miss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ringhorn::asgi {

inline std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed = 0) noexcept {
  std::uint64_t hash = mix(seed, text.size());
  const char* data = text.data();
  std::size_t left = text.size();
  for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, data, sizeof word);
    hash = mix(hash, word);
    data += sizeof word;
  }
  std::uint64_t tail = 0;
  if (left > 0) {  // an empty view may have no address
    std::memcpy(&tail, data, left);
  }
  return mix(hash, tail);
}

}  // namespace ringhorn::asgi
