#include "message_queue.hpp"

#include <utility>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::asgi {

void MessageQueue::push(py::Ref message, std::size_t bytes) {
  messages_.push_back({std::move(message), bytes});
  bytes_ += bytes;
}

py::Ref MessageQueue::pop() noexcept {
  RINGHORN_ASSERT(!empty());
  Entry& entry = messages_[first_++];
  py::Ref message = std::move(entry.message);
  bytes_ -= entry.bytes;
  if (empty()) {
    constexpr std::size_t kept_count_max = 4;
    first_ = 0;
    messages_.clear();
    if (messages_.capacity() > kept_count_max) {
      messages_.shrink_to_fit();
    }
  }
  return message;
}

}  // namespace ringhorn::asgi
