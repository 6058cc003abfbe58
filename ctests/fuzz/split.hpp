/// Feeds a fuzzer's input to a reader whole or in pieces, from memory of exactly the size of what
/// is unread, so that the address sanitizer sees every over-read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ringhorn::fuzz {

/// Ends the run with the place of a broken promise.
inline void require(bool kept, const char* promise) {
  if (!kept) {
    std::fprintf(stderr, "broken: %s\n", promise);
    std::abort();
  }
}

/// Piece sizes drawn from a seed: 1 to 16 bytes, now and then much more. 0 asks for one piece.
class Cuts {
 public:
  explicit Cuts(std::uint32_t seed) : state_(seed) {}
  std::size_t next(std::size_t left) {
    if (state_ == 0) {
      return left;
    }
    state_ = state_ * 1664525 + 1013904223;
    const std::size_t size = 1 + (state_ >> 16) % 16;
    return std::min(left, (state_ >> 28) == 0 ? size * 64 : size);
  }

 private:
  std::uint32_t state_;
};

/// Calls `read(unread)` until it asks for more, after each piece. `read` answers how many bytes to
/// drop, or `stop` when it wants more.
struct Fed {
  std::size_t consumed;
  bool again;
};
template <typename Read>
void feed(std::string_view input, std::uint32_t seed, Read read) {
  Cuts cuts(seed);
  std::string unread;
  while (!input.empty()) {
    const std::size_t size = cuts.next(input.size());
    unread.append(input.substr(0, size));
    input.remove_prefix(size);
    for (bool again = true; again;) {
      const std::unique_ptr<char[]> exact(new char[unread.size()]);
      std::copy(unread.begin(), unread.end(), exact.get());
      const Fed fed = read(std::span<char>(exact.get(), unread.size()));
      require(fed.consumed <= unread.size(), "no more is consumed than was given");
      unread.assign(exact.get() + fed.consumed, unread.size() - fed.consumed);
      again = fed.again;
    }
  }
}

}  // namespace ringhorn::fuzz
