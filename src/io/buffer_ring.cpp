#include "buffer_ring.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include <ringhorn/base/assert.hpp>

#include "ring.hpp"

namespace ringhorn::io {

namespace {
constexpr unsigned count_max = 32768;
// IOU_PBUF_RING_INC of <linux/io_uring.h>, which liburing 2.3 does not have.
constexpr unsigned short incremental = 2;
}  // namespace

int BufferRing::open(Ring& ring, Use use, unsigned count, unsigned buffer_bytes) {
  RINGHORN_ASSERT(ring_ == nullptr && buffer_bytes > 0);
  use_ = use;
  count_ = std::bit_ceil(std::clamp(count, 1U, count_max));
  buffer_bytes_ = buffer_bytes;
  used_ = std::make_unique<unsigned[]>(count_);
  // The ring must start on a page; the buffers lie behind it in the same mapping. Pages that no
  // receive ever fills are never backed by memory.
  const std::size_t ring_bytes = count_ * sizeof(io_uring_buf);
  mapped_bytes_ = ring_bytes + count_ * std::size_t{buffer_bytes_};
  void* memory =
      ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) {
    return errno;
  }
  // A forked child shares neither the ring nor what peers have sent.
  ::madvise(memory, mapped_bytes_, MADV_DONTFORK);
  ring_ = static_cast<io_uring_buf_ring*>(memory);
  buffers_ = static_cast<char*>(memory) + ring_bytes;
  ::io_uring_buf_ring_init(ring_);
  const int error = ring.register_buffers(ring_, count_, use == Use::shared ? incremental : 0);
  if (error != 0) {
    unmap();
    return error;
  }
  for (unsigned id = 0; id < count_; ++id) {
    give_back(static_cast<unsigned short>(id));
  }
  return 0;
}

void BufferRing::unmap() noexcept {
  if (ring_ != nullptr) {
    ::munmap(ring_, mapped_bytes_);
    ring_ = nullptr;
  }
}

std::span<char> BufferRing::take(unsigned short id, std::size_t size) noexcept {
  RINGHORN_ASSERT(id < count_ && size <= buffer_bytes_ - used_[id]);
  char* const bytes = next(id);
  used_[id] += static_cast<unsigned>(size);
  return {bytes, size};
}

void BufferRing::give_back(unsigned short id) noexcept {
  used_[id] = 0;
  ::io_uring_buf_ring_add(ring_, next(id), buffer_bytes_, id, ::io_uring_buf_ring_mask(count_), 0);
  ::io_uring_buf_ring_advance(ring_, 1);
}

}  // namespace ringhorn::io
