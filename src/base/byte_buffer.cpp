#include <ringhorn/base/byte_buffer.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace ringhorn::base {

namespace {
constexpr std::size_t capacity_min = 512;
}  // namespace

ByteBuffer::~ByteBuffer() { std::free(data_); }

void ByteBuffer::consume(std::size_t count) noexcept {
  RINGHORN_ASSERT(count <= size());
  begin_ += count;
  if (begin_ == end_) {
    clear();
  }
}

void ByteBuffer::truncate(std::size_t size) noexcept {
  RINGHORN_ASSERT(size <= this->size());
  end_ = begin_ + size;
}

void ByteBuffer::release() noexcept {
  std::free(data_);
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

void ByteBuffer::swap(ByteBuffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(capacity_, other.capacity_);
}

void ByteBuffer::grow(std::size_t count) {
  const std::size_t used = size();
  // Sliding the bytes down is allowed only when it frees half of the memory: keeps appends O(1).
  if (begin_ > 0 && used + count <= capacity_ && begin_ >= capacity_ / 2) {
    std::memmove(data_, data_ + begin_, used);
  } else {
    const std::size_t capacity = std::max({capacity_min, 2 * used, used + count});
    char* data = static_cast<char*>(std::malloc(capacity));
    if (data == nullptr) {
      throw std::bad_alloc();
    }
    if (used > 0) {
      std::memcpy(data, data_ + begin_, used);
    }
    std::free(data_);
    data_ = data;
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = used;
}

}  // namespace ringhorn::base
