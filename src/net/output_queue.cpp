#include "output_queue.hpp"

#include <algorithm>
#include <utility>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::net {

OutputBatch* OutputPool::take() {
  if (free_.empty()) {
    return std::make_unique<OutputBatch>().release();
  }
  OutputBatch* batch = free_.back().release();
  free_.pop_back();
  return batch;
}

void OutputPool::give(OutputBatch* batch) noexcept {
  std::unique_ptr<OutputBatch> owned(batch);
  owned->slices.clear();
  owned->slice_bytes = 0;
  owned->pieces.clear();
  owned->piece = 0;
  owned->bytes.clear();
  if (owned->bytes.capacity() > kept_bytes_max) {
    owned->bytes.release();
  }
  if (free_.size() < free_max) {
    free_.push_back(std::move(owned));
  }
}

OutputQueue::~OutputQueue() {
  clear();
}

base::ByteBuffer& OutputQueue::tail() {
  if (filling_ == nullptr) {
    filling_ = pool_->take();
  }
  return filling_->bytes;
}

void OutputQueue::append(base::OwnedSlice slice, std::size_t size) {
  RINGHORN_ASSERT(size > 0 && size <= slice.bytes().size());
  const std::size_t offset = tail().size();
  filling_->slices.push_back({offset, size, std::move(slice)});
  filling_->slice_bytes += size;
}

void OutputQueue::start(io::Send& send, io::Report report) {
  if (sending_ == nullptr) {
    RINGHORN_ASSERT(filling_ != nullptr);
    sending_ = std::exchange(filling_, nullptr);
    sending_left_ = sending_->size();
    if (!sending_->slices.empty()) {
      lay_out(*sending_);
    }
  }
  RINGHORN_ASSERT(sending_left_ > 0);
  if (sending_->pieces.empty()) {
    send.start(sending_->bytes.view(), report);
    return;
  }
  const std::size_t left = sending_->pieces.size() - sending_->piece;
  send.start(std::span<const iovec>(sending_->pieces.data() + sending_->piece,
                                    std::min(left, io::Send::parts_max)),
             report);
}

void OutputQueue::lay_out(OutputBatch& batch) {
  const std::span<char> bytes = batch.bytes.bytes();
  std::size_t done = 0;
  const auto add = [&batch](const char* data, std::size_t size) {
    if (size > 0) {
      batch.pieces.push_back({const_cast<char*>(data), size});
    }
  };
  for (const OutputBatch::Part& part : batch.slices) {
    add(bytes.data() + done, part.offset - done);
    add(part.slice.bytes().data(), part.size);
    done = part.offset;
  }
  add(bytes.data() + done, bytes.size() - done);
}

void OutputQueue::on_sent(std::size_t count) noexcept {
  RINGHORN_ASSERT(sending_ != nullptr && count <= sending_left_);
  sending_left_ -= count;
  if (sending_left_ == 0) {
    pool_->give(std::exchange(sending_, nullptr));
    return;
  }
  if (sending_->pieces.empty()) {
    sending_->bytes.consume(count);
    return;
  }
  while (count > 0) {
    iovec& piece = sending_->pieces[sending_->piece];
    const std::size_t gone = std::min(count, piece.iov_len);
    piece.iov_base = static_cast<char*>(piece.iov_base) + gone;
    piece.iov_len -= gone;
    count -= gone;
    sending_->piece += piece.iov_len == 0 ? 1 : 0;
  }
}

void OutputQueue::clear() noexcept {
  if (sending_ != nullptr) {
    pool_->give(std::exchange(sending_, nullptr));
    sending_left_ = 0;
  }
  drop_unsent();
}

void OutputQueue::drop_unsent() noexcept {
  if (filling_ != nullptr) {
    pool_->give(std::exchange(filling_, nullptr));
  }
}

}  // namespace ringhorn::net
