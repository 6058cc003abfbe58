/// OutputQueue holds what a connection has still to send: small pieces copied one behind the other,
/// large ones by reference in between. Connection owns it and keeps at most one io::Send in flight.
///
/// Bytes are gathered in a *filling* batch; a send takes the whole batch, which then stays as it is
/// until its last byte has left, while new output fills another. Batches come from a pool that all
/// connections of the server share: a connection without output holds none.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <vector>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/base/slice.hpp>
#include <ringhorn/io/send.hpp>

namespace ringhorn::net {

/// One run of output: copied bytes, and slices that stand in between.
struct OutputBatch {
  struct Part {
    std::size_t offset;  ///< the slice comes before the copied byte at this place
    std::size_t size;    ///< how much of the slice is sent
    base::OwnedSlice slice;
  };
  base::ByteBuffer bytes;
  std::vector<Part> slices;
  std::size_t slice_bytes = 0;
  std::vector<iovec> pieces;  ///< while being sent, only with slices: all runs in order
  std::size_t piece = 0;      ///< the first of `pieces` that has not left

  std::size_t size() const noexcept { return bytes.size() + slice_bytes; }
};

/// Batches that nobody uses, up to a number; the most recently used one is given first, since it is
/// the one that the caches still hold.
class OutputPool {
 public:
  OutputPool() { free_.reserve(free_max); }

  /// An empty batch; it comes back through give().
  OutputBatch* take();
  /// Releases the slices and keeps the memory, unless there is too much of it.
  void give(OutputBatch* batch) noexcept;

 private:
  static constexpr std::size_t free_max = 256;
  static constexpr std::size_t kept_bytes_max = 32768;

  std::vector<std::unique_ptr<OutputBatch>> free_;
};

class OutputQueue {
 public:
  /// Pieces from this size on are worth a reference instead of a copy.
  static constexpr std::size_t by_reference_bytes_min = 16384;

  explicit OutputQueue(OutputPool& pool) noexcept : pool_(&pool) {}
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  /// REQUIRES: nothing of it is in flight
  ~OutputQueue();

  /// Bytes that the kernel has not taken yet.
  std::size_t size() const noexcept {
    return sending_left_ + (filling_ == nullptr ? 0 : filling_->size());
  }
  bool empty() const noexcept { return size() == 0; }
  /// Whether there is output that no send has taken yet.
  bool wants_send() const noexcept { return sending_left_ > 0 || filling_bytes() > 0; }

  /// Whether what is next is little, copied and untouched: it most likely fits the socket's buffer,
  /// and nobody waits for its memory.
  bool is_small() const noexcept {
    return sending_ == nullptr && filling_ != nullptr && filling_->slices.empty() &&
           filling_->bytes.size() <= by_reference_bytes_min;
  }

  /// Where small output is appended; valid until the next send is started.
  base::ByteBuffer& tail();
  /// The first `size` bytes of `slice`, behind what is there, by reference.
  void append(base::OwnedSlice slice, std::size_t size);

  /// Starts a send of what is next. REQUIRES: wants_send(), `send` is not in flight
  void start(io::Send& send, io::Report report);
  /// `count` bytes of the send in flight have left.
  void on_sent(std::size_t count) noexcept;
  /// Drops everything. REQUIRES: no send is in flight
  void clear() noexcept;
  /// Drops what no send has taken.
  void drop_unsent() noexcept;

 private:
  std::size_t filling_bytes() const noexcept { return filling_ == nullptr ? 0 : filling_->size(); }
  /// Lists all runs of a batch with slices, for sendmsg.
  static void lay_out(OutputBatch& batch);

  OutputPool* pool_;
  // Owned; both null while there is no output.
  OutputBatch* filling_ = nullptr;
  OutputBatch* sending_ = nullptr;
  std::size_t sending_left_ = 0;
};

}  // namespace ringhorn::net
