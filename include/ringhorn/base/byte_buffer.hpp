/// ByteBuffer is a growing run of bytes: appended at the end, consumed at the front, in amortised
/// O(1) per byte. It holds no memory while it is empty and has been released.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::base {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept { swap(other); }
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~ByteBuffer();

  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }
  /// Bytes of memory held, filled or not.
  std::size_t capacity() const noexcept { return capacity_; }
  /// The bytes held; valid until the next append, prepare, clear or release.
  std::string_view view() const noexcept { return {data_ + begin_, size()}; }
  std::span<char> bytes() noexcept { return {data_ + begin_, size()}; }

  /// Room for at least `count` more bytes at the returned place; tell `commit` how many were used.
  char* prepare(std::size_t count) {
    if (capacity_ - end_ < count) {
      grow(count);
    }
    return data_ + end_;
  }
  /// REQUIRES: `count` is not more than was prepared.
  void commit(std::size_t count) noexcept {
    RINGHORN_ASSERT(capacity_ - end_ >= count);
    end_ += count;
  }
  void append(std::string_view bytes) {
    if (!bytes.empty()) {  // memcpy wants pointers even for no bytes
      std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
      end_ += bytes.size();
    }
  }
  void append(char byte) { *prepare(1) = byte, ++end_; }
  /// Drops `count` bytes at the front. REQUIRES: count <= size()
  void consume(std::size_t count) noexcept;
  /// Drops what was appended beyond the first `size` bytes. REQUIRES: size <= this->size()
  void truncate(std::size_t size) noexcept;
  /// Drops all bytes, keeps the memory.
  void clear() noexcept { begin_ = end_ = 0; }
  /// Drops all bytes and the memory.
  void release() noexcept;
  void swap(ByteBuffer& other) noexcept;

 private:
  void grow(std::size_t count);

  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace ringhorn::base
