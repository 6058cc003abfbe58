#include "output_queue.hpp"

#include <algorithm>
#include <utility>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::net {

OutputBatch* OutputPool::take() {
  OutputBatch* batch = nullptr;
  if (free_.empty()) {
    batch = std::make_unique<OutputBatch>().release();
  } else {
    batch = free_.back().release();
    free_.pop_back();
    kept_bytes_ -= batch->bytes.capacity();
  }
  batch->users = 1;
  return batch;
}

OutputBatch* OutputPool::take_copy(OutputBatch* shared) {
  RINGHORN_ASSERT(shared->users > 1 && shared->slices.empty());
  const auto give_back = [this](OutputBatch* batch) { give(batch); };
  std::unique_ptr<OutputBatch, decltype(give_back)> copy(take(), give_back);
  copy->bytes.append(shared->bytes.view());
  give(shared);
  return copy.release();
}

void OutputPool::give(OutputBatch* batch) noexcept {
  RINGHORN_ASSERT(batch->users > 0);
  if (--batch->users > 0) {
    return;
  }
  if (batch == last_.batch || batch == last_.base) {
    last_ = {};
  }
  std::unique_ptr<OutputBatch> owned(batch);
  owned->slices.clear();
  owned->slice_bytes = 0;
  owned->pieces.clear();
  owned->piece = 0;
  owned->bytes.clear();
  const std::size_t bytes = owned->bytes.capacity();
  if (bytes > kept_bytes_max || bytes > all_kept_bytes_max - kept_bytes_) {
    owned->bytes.release();
  }
  if (free_.size() < free_max) {
    kept_bytes_ += owned->bytes.capacity();
    free_.push_back(std::move(owned));
  }
}

OutputBatch* OutputPool::same_step(const OutputBatch* base, std::string_view head,
                                   std::string_view body) const noexcept {
  OutputBatch* const batch = last_.batch;
  if (batch == nullptr || base != last_.base || !batch->slices.empty() ||
      (base != nullptr && base->size() != last_.base_bytes) ||
      batch->bytes.size() != last_.base_bytes + head.size() + body.size()) {
    return nullptr;
  }
  const std::string_view added = batch->bytes.view().substr(last_.base_bytes);
  const bool same = added.substr(head.size()) == body && added.substr(0, head.size()) == head;
  return same ? batch : nullptr;
}

OutputQueue::~OutputQueue() {
  clear();
}

base::ByteBuffer& OutputQueue::tail() {
  if (filling_ == nullptr) {
    filling_ = pool_->take();
  } else if (filling_->users > 1) {
    filling_ = pool_->take_copy(filling_);
  }
  return filling_->bytes;
}

void OutputQueue::append(base::OwnedSlice slice, std::size_t size) {
  RINGHORN_ASSERT(size > 0 && size <= slice.bytes().size());
  const std::size_t offset = tail().size();
  filling_->slices.push_back({offset, size, std::move(slice)});
  filling_->slice_bytes += size;
}

void OutputQueue::append_shared(std::string_view head, std::string_view body) {
  RINGHORN_ASSERT(body.size() < small_bytes_max);
  OutputBatch* const base = filling_;
  if (OutputBatch* const same = pool_->same_step(base, head, body)) {
    ++same->users;
    filling_ = same;
    if (base != nullptr) {
      pool_->give(base);
    }
    return;
  }
  const std::size_t base_bytes = filling_bytes();
  base::ByteBuffer& out = tail();
  out.prepare(head.size() + body.size());
  out.append(head);
  out.append(body);
  // Where nobody shared it the base is gone.
  if (filling_ != base && base_bytes <= shared_base_bytes_max) {
    pool_->note_step(base, base_bytes, filling_);
  }
}

void OutputQueue::start(io::Send& send, io::Report report) {
  take_next();
  if (sending_->pieces.empty()) {
    send.start(unsent_bytes(), report);
  } else {
    send.start(unsent_pieces(), report);
  }
}

void OutputQueue::offer(io::Send& send) {
  take_next();
  on_sent(sending_->pieces.empty() ? send.offer(unsent_bytes()) : send.offer(unsent_pieces()));
}

void OutputQueue::take_next() {
  if (sending_ == nullptr) {
    RINGHORN_ASSERT(filling_ != nullptr);
    if (!filling_->slices.empty()) {
      lay_out(*filling_);
    }
    sending_ = std::exchange(filling_, nullptr);
    sending_left_ = sending_->size();
  }
  RINGHORN_ASSERT(sending_left_ > 0);
}

std::string_view OutputQueue::unsent_bytes() const noexcept {
  const std::string_view bytes = sending_->bytes.view();
  return bytes.substr(bytes.size() - sending_left_);
}

std::span<const iovec> OutputQueue::unsent_pieces() const noexcept {
  const std::span<const iovec> left = std::span(sending_->pieces).subspan(sending_->piece);
  return left.first(std::min(left.size(), io::Send::parts_max));
}

void OutputQueue::lay_out(OutputBatch& batch) {
  const std::span<char> bytes = batch.bytes.bytes();
  batch.pieces.clear();
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
  while (count > 0 && !sending_->pieces.empty()) {
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
