/// GuardedBytes keeps bytes right before a page that must not be touched: one byte of over-read by
/// whoever is given them ends the test. Used by every test that feeds a parser.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "support/catch.hpp"

namespace ringhorn::support {

class GuardedBytes {
 public:
  /// Room for up to `capacity` bytes.
  explicit GuardedBytes(std::size_t capacity) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    room_ = (capacity + page - 1) / page * page;
    size_ = room_ + page;
    void* const memory =
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    memory_ = static_cast<char*>(memory);
    REQUIRE(mprotect(memory_ + room_, page, PROT_NONE) == 0);
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  ~GuardedBytes() { munmap(memory_, size_); }

  /// A copy of `bytes` that ends at the guard. The one before is overwritten.
  std::span<char> place(std::string_view bytes) {
    REQUIRE(bytes.size() <= room_);
    char* const begin = memory_ + room_ - bytes.size();
    if (!bytes.empty()) {
      std::memcpy(begin, bytes.data(), bytes.size());
    }
    return {begin, bytes.size()};
  }

 private:
  char* memory_ = nullptr;
  std::size_t room_ = 0;
  std::size_t size_ = 0;
};

}  // namespace ringhorn::support
