/// BufferRing is the memory that the kernel fills with received bytes: a ring of equal buffers,
/// provided to the kernel and provided again as soon as a handler has read one (io_uring(7),
/// provided buffers). Mapped and registered by hand: Debian 12's liburing has no helper for it.
/// UringDriver owns it; one thread only.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <span>

namespace ringhorn::io {

class Ring;

class BufferRing {
 public:
  /// The group that a request names with IOSQE_BUFFER_SELECT.
  static constexpr unsigned short group = 0;

  BufferRing() = default;
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;
  /// Leaves the memory mapped: see unmap().
  ~BufferRing() = default;

  /// Maps `count` (rounded up to a power of two, at most 32768) buffers, registers them and
  /// provides them all. 0 or an errno.
  int open(Ring& ring, unsigned count, unsigned buffer_bytes);

  /// Gives the memory back to the system. REQUIRES: the kernel fills no buffer any more; this
  /// process has opened it (a forked child does not have the mapping).
  void unmap() noexcept;

  unsigned count() const noexcept { return count_; }
  /// The buffer that a completion's `flags` name. REQUIRES: flags & IORING_CQE_F_BUFFER
  static unsigned short id(unsigned flags) noexcept {
    return static_cast<unsigned short>(flags >> IORING_CQE_BUFFER_SHIFT);
  }
  /// The first `size` bytes of buffer `id`.
  std::span<char> view(unsigned short id, std::size_t size) const noexcept {
    return {buffers_ + id * stride_, size};
  }
  /// Gives buffer `id` back to the kernel.
  void recycle(unsigned short id) noexcept;

 private:
  io_uring_buf_ring* ring_ = nullptr;
  char* buffers_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  std::size_t stride_ = 0;
  unsigned count_ = 0;
  unsigned buffer_bytes_ = 0;
};

}  // namespace ringhorn::io
