/// ReadyQueue is the ring of handles that a loop is to run, oldest first. It owns one reference to
/// each. It never shrinks: a loop's bursts come again. Needs the GIL, which also makes it safe to
/// push from any thread.
#pragma once

#include <cstddef>
#include <vector>

#include <ringhorn/base/assert.hpp>

#include "handle.hpp"

namespace ringhorn::loop {

class ReadyQueue {
 public:
  bool empty() const noexcept { return head_ == tail_; }
  std::size_t size() const noexcept { return tail_ - head_; }

  /// Takes over the reference.
  void push(HandleObject* handle) {
    if (size() == slots_.size()) {
      grow();
    }
    at(tail_++) = handle;
  }
  /// Hands the reference to the caller. REQUIRES: !empty()
  HandleObject* pop() noexcept {
    RINGHORN_ASSERT(!empty());
    return at(head_++);
  }
  /// The `index`-th of those waiting. REQUIRES: index < size()
  HandleObject* peek(std::size_t index) noexcept { return at(head_ + index); }

 private:
  HandleObject*& at(std::size_t position) noexcept {
    return slots_[position & (slots_.size() - 1)];
  }
  void grow() {
    std::vector<HandleObject*> larger(slots_.empty() ? 64 : 2 * slots_.size());
    for (std::size_t i = 0; i < size(); ++i) {
      larger[i] = peek(i);
    }
    tail_ = size();
    head_ = 0;
    slots_.swap(larger);
  }

  std::vector<HandleObject*> slots_;  ///< a power of two of them
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace ringhorn::loop
