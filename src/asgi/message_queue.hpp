/// MessageQueue holds the messages of a WebSocket that the application has not taken: each is a
/// `str` or a `bytes` already. It counts what they weigh, so that its owner can stop the peer; it
/// holds no memory of its own to speak of while it is empty. Needs the GIL.
#pragma once

#include <cstddef>
#include <vector>

#include <ringhorn/py/ref.hpp>

namespace ringhorn::asgi {

class MessageQueue {
 public:
  bool empty() const noexcept { return first_ == messages_.size(); }
  std::size_t count() const noexcept { return messages_.size() - first_; }
  /// The sum of what was pushed with them.
  std::size_t bytes() const noexcept { return bytes_; }

  void push(py::Ref message, std::size_t bytes);
  /// REQUIRES: !empty()
  py::Ref pop() noexcept;

 private:
  struct Entry {
    py::Ref message;
    std::size_t bytes;
  };
  std::vector<Entry> messages_;
  std::size_t first_ = 0;  ///< those before were taken
  std::size_t bytes_ = 0;
};

}  // namespace ringhorn::asgi
