/// A quick hash for the caches of this module. Not a defence: a collision only costs a cache miss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ringhorn::asgi {

inline std::uint64_t load_word(const char* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// Sixteen bytes at a time: the two halves of their product.
inline std::uint64_t mix(std::uint64_t left, std::uint64_t right) noexcept {
  __extension__ using Product = unsigned __int128;
  const Product product = static_cast<Product>(left ^ 0x9E3779B97F4A7C15u) * right;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed = 0) noexcept {
  const char* data = text.data();
  const std::size_t size = text.size();
  std::uint64_t hash = seed ^ (0xD6E8FEB86659FD93u + size);
  if (size < sizeof(std::uint64_t)) {
    std::uint64_t tail = 0;
    for (std::size_t i = 0; i < size; ++i) {
      tail = tail << 8 | static_cast<unsigned char>(data[i]);
    }
    return mix(tail, hash);
  }
  const char* const end = data + size;
  for (; end - data > 16; data += 16) {
    hash = mix(load_word(data), load_word(data + 8) ^ hash);
  }
  // What is left, or with it again a part of what came before.
  const char* const first = end - data >= 8 ? data : end - 8;
  return mix(load_word(first), load_word(end - 8) ^ hash);
}

}  // namespace ringhorn::asgi
