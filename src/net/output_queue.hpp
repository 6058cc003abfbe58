/// OutputQueue holds what a connection has still to send: small pieces copied one behind the other,
/// large ones by reference in between. Connection owns it and keeps at most one io::Send in flight.
///
/// Bytes are gathered in a *filling* batch; a send takes the whole batch, which then stays as it is
/// until its last byte has left, while new output fills another. Batches come from a pool that all
/// connections of the server share: a connection without output holds none.
///
/// What many are to get, a broadcast, is written once: a queue that is given the same small output
/// as the queue before, onto the same output as that had, becomes another *user* of its batch. A
/// batch of several users is never changed: whoever has more to say takes a copy.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
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
  std::size_t users = 0;      ///< queues that hold it; with slices at most one

  std::size_t size() const noexcept { return bytes.size() + slice_bytes; }
};

/// Batches that nobody uses, up to a number and up to so many bytes; the most recently used one is
/// given first, since it is the one that the caches still hold.
class OutputPool {
 public:
  OutputPool() { free_.reserve(free_max); }

  /// An empty batch with one user; it comes back through give().
  OutputBatch* take();
  /// A batch with the bytes of `shared`, which loses a user to it.
  OutputBatch* take_copy(OutputBatch* shared);
  /// One user less. After the last one the slices are released and the memory is kept, unless there
  /// is too much of it.
  void give(OutputBatch* batch) noexcept;

  /// `batch` is what `base` (null: nothing), a batch of `base_bytes` then, becomes with some more.
  void note_step(const OutputBatch* base, std::size_t base_bytes, OutputBatch* batch) noexcept {
    last_ = {base, base_bytes, batch};
  }
  /// The batch that the last step led to, if it led from `base` as it is now and added `head` and
  /// `body`; else null.
  OutputBatch* same_step(const OutputBatch* base, std::string_view head,
                         std::string_view body) const noexcept;

 private:
  static constexpr std::size_t free_max = 256;
  /// A buffer that doubles has this size when an application that streams is made to wait.
  static constexpr std::size_t kept_bytes_max = 131072;
  /// By all together: as much as 64 streams hold.
  static constexpr std::size_t all_kept_bytes_max = 8 << 20;

  /// Forgotten when either batch comes back. Batches only grow until then: as long as the size of
  /// `base` is the same, so are its bytes.
  struct Step {
    const OutputBatch* base = nullptr;
    std::size_t base_bytes = 0;
    OutputBatch* batch = nullptr;
  };

  std::vector<std::unique_ptr<OutputBatch>> free_;
  std::size_t kept_bytes_ = 0;  ///< by all in free_
  Step last_;
};

class OutputQueue {
 public:
  /// Up to this size output is small; a body below it may be shared.
  static constexpr std::size_t small_bytes_max = 16384;

  /// Output up to this size is shared when more comes. Above, each queue grows its own: with a
  /// client that does not read, the copy for each message would be longer each time.
  static constexpr std::size_t shared_base_bytes_max = 4096;

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

  /// Whether no send has taken a part of what is next.
  bool untouched() const noexcept { return sending_ == nullptr; }
  /// Whether what is next is little, copied and untouched: it most likely fits the socket's buffer,
  /// and nobody waits for its memory.
  bool is_small() const noexcept {
    return untouched() && filling_ != nullptr && filling_->slices.empty() &&
           filling_->bytes.size() <= small_bytes_max;
  }

  /// Where small output is appended; valid until the next send is started.
  base::ByteBuffer& tail();
  /// The first `size` bytes of `slice`, behind what is there, by reference.
  void append(base::OwnedSlice slice, std::size_t size);
  /// `head` and `body`, which many may get: shared with the queue that was given the same before.
  /// REQUIRES: body.size() < small_bytes_max
  void append_shared(std::string_view head, std::string_view body);

  /// Starts a send of what is next. REQUIRES: wants_send(), `send` is not in flight
  void start(io::Send& send, io::Report report);
  /// Sends what the socket takes of what is next at once. REQUIRES: as for start()
  void offer(io::Send& send);
  /// `count` bytes of the send in flight have left.
  void on_sent(std::size_t count) noexcept;
  /// Drops everything. REQUIRES: no send is in flight
  void clear() noexcept;
  /// Drops what no send has taken.
  void drop_unsent() noexcept;

 private:
  std::size_t filling_bytes() const noexcept { return filling_ == nullptr ? 0 : filling_->size(); }
  /// Sees to it that something is being sent.
  void take_next();
  // What has not left of it, depending on whether there are slices.
  std::string_view unsent_bytes() const noexcept;
  std::span<const iovec> unsent_pieces() const noexcept;
  /// Lists all runs of a batch with slices, for sendmsg.
  static void lay_out(OutputBatch& batch);

  OutputPool* pool_;
  // Owned; both null while there is no output.
  OutputBatch* filling_ = nullptr;
  OutputBatch* sending_ = nullptr;
  std::size_t sending_left_ = 0;
};

}  // namespace ringhorn::net
