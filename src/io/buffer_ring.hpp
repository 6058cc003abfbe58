/// BufferRing is the memory that the kernel fills with received bytes: a ring of equal buffers,
/// provided to the kernel and provided again as soon as a handler has read one (io_uring(7),
/// provided buffers). Mapped and registered by hand: Debian 12's liburing has no helper for it.
/// UringDriver owns it; one thread only.
///
/// A receive takes a *single* buffer for itself, however little it brings; or, on Linux 6.12 and
/// newer, buffers are *shared*: each receive goes on where the one before it stopped. Then few
/// bytes of memory serve many connections, and stay in the caches. Both fill the buffers in the
/// order in which they were given back, and buffer `id` + 1 begins where `id` ends: bytes that
/// follow each other in time mostly do so in memory, too.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <memory>
#include <span>

namespace ringhorn::io {

class Ring;

class BufferRing {
 public:
  /// The group that a request names with IOSQE_BUFFER_SELECT.
  static constexpr unsigned short group = 0;
  enum class Use : unsigned char { single, shared };

  BufferRing() = default;
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;
  /// Leaves the memory mapped: see unmap().
  ~BufferRing() = default;

  /// Maps `count` (rounded up to a power of two, at most 32768) buffers, registers them and
  /// provides them all. 0 or an errno, and then nothing is mapped: EINVAL when the kernel does not
  /// know this `use`.
  int open(Ring& ring, Use use, unsigned count, unsigned buffer_bytes);

  /// Gives the memory back to the system. REQUIRES: the kernel fills no buffer any more; this
  /// process has opened it (a forked child does not have the mapping).
  void unmap() noexcept;

  bool shared() const noexcept { return use_ == Use::shared; }
  /// The buffer that a completion's `flags` name. REQUIRES: flags & IORING_CQE_F_BUFFER
  static unsigned short id(unsigned flags) noexcept {
    return static_cast<unsigned short>(flags >> IORING_CQE_BUFFER_SHIFT);
  }
  /// Where the next bytes that the kernel tells of buffer `id` are.
  char* next(unsigned short id) const noexcept {
    return buffers_ + id * std::size_t{buffer_bytes_} + used_[id];
  }
  /// Those bytes, `size` of them. REQUIRES: a completion says so, and is told once
  std::span<char> take(unsigned short id, std::size_t size) noexcept;
  /// The bytes that were taken of buffer `id` are needed no more: it goes back to the kernel,
  /// unless the kernel is still filling it.
  void release(unsigned short id) noexcept {
    if (use_ == Use::single || used_[id] == buffer_bytes_) {
      give_back(id);
    }
  }

 private:
  void give_back(unsigned short id) noexcept;

  io_uring_buf_ring* ring_ = nullptr;
  char* buffers_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  unsigned count_ = 0;
  unsigned buffer_bytes_ = 0;
  Use use_ = Use::single;
  /// How far each buffer was taken. The kernel counts the same way; its own IORING_CQE_F_BUF_MORE
  /// is wrong at the end of a stream before Linux 7.0.
  std::unique_ptr<unsigned[]> used_;
};

}  // namespace ringhorn::io
