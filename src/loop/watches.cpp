#include "watches.hpp"

#include <poll.h>

#include <utility>
#include <vector>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::loop {

void Watch::on_ready(short events) {
  RINGHORN_ASSERT(handle_ != nullptr);
  --watches_.in_flight_count_;
  if (handle_->cancelled) {
    // Cancelled by itself, not through remove_reader().
    watches_.forget(*this);
    return;
  }
  // A descriptor that was closed without a word is not heard of again, as with epoll. To arm it
  // once more would make the loop spin.
  if ((events & POLLNVAL) != 0) {
    return;
  }
  Py_INCREF(as_object(handle_));
  watches_.ready_.push(handle_);
  watches_.to_arm_.push_back(*this);
}

void Watch::on_poll_stopped() {
  --watches_.in_flight_count_;
  if (handle_ != nullptr) {
    watches_.to_arm_.push_back(*this);
    return;
  }
  const std::unique_ptr<Watch> owned(this);
}

Watches::~Watches() {
  RINGHORN_ASSERT(in_flight_count_ == 0 && table_.empty());
}

bool Watches::add(int fd, Direction direction, HandleObject* handle) {
  std::unique_ptr<Watch>& slot = table_[key(fd, direction)];
  HandleObject* previous = slot ? slot->handle_ : nullptr;
  if (slot && slot->in_flight()) {
    // The number may stand for another file by now, and the poll for the old one.
    retire(std::move(slot));
  }
  if (!slot) {
    slot = std::make_unique<Watch>(*this, fd, direction);
  }
  slot->handle_ = handle;
  if (!slot->linked()) {
    to_arm_.push_back(*slot);
  }
  return previous == nullptr || drop(previous);
}

int Watches::remove(int fd, Direction direction) {
  const auto found = table_.find(key(fd, direction));
  if (found == table_.end()) {
    return 0;
  }
  std::unique_ptr<Watch> watch = std::move(found->second);
  table_.erase(found);
  HandleObject* handle = watch->handle_;
  if (watch->in_flight()) {
    retire(std::move(watch));
  }
  return drop(handle) ? 1 : -1;
}

bool Watches::has(int fd, Direction direction) const noexcept {
  return table_.count(key(fd, direction)) > 0;
}

bool Watches::stop_removed() {
  if (to_stop_.empty()) {
    return false;
  }
  while (Watch* watch = to_stop_.pop_front()) {
    watch->poll_->stop();
    leaving_.push_back(*watch);
  }
  return true;
}

void Watches::arm(io::Driver& driver) {
  while (Watch* watch = to_arm_.pop_front()) {
    watch->poll_.emplace(driver, watch->fd_, *watch);
    watch->poll_->start(watch->direction_ == Direction::read ? POLLIN : POLLOUT);
    ++in_flight_count_;
  }
}

void Watches::park(io::Driver& driver) {
  stop_removed();
  for (const auto& [key, watch] : table_) {
    if (watch->in_flight()) {
      watch->poll_->stop();
    }
  }
  while (in_flight_count_ > 0) {
    driver.wait(io::Driver::forever);
    driver.dispatch();
  }
}

void Watches::clear() {
  std::unordered_map<Key, std::unique_ptr<Watch>> table;
  table.swap(table_);
  std::vector<HandleObject*> handles;
  for (auto& [key, watch] : table) {
    handles.push_back(watch->handle_);
    if (watch->in_flight()) {
      retire(std::move(watch));
    }
  }
  table.clear();
  for (HandleObject* handle : handles) {
    Py_DECREF(as_object(handle));
  }
}

int Watches::traverse(visitproc visit, void* argument) const {
  for (const auto& [key, watch] : table_) {
    const int stop = visit(as_object(watch->handle_), argument);
    if (stop != 0) {
      return stop;
    }
  }
  return 0;
}

/// REQUIRES: the watch is in flight
void Watches::retire(std::unique_ptr<Watch> watch) {
  RINGHORN_ASSERT(watch->in_flight() && !watch->linked());
  watch->handle_ = nullptr;
  to_stop_.push_back(*watch.release());
}

void Watches::forget(Watch& watch) {
  const auto found = table_.find(key(watch.fd_, watch.direction_));
  RINGHORN_ASSERT(found != table_.end() && found->second.get() == &watch);
  const std::unique_ptr<Watch> owned = std::move(found->second);
  table_.erase(found);
  Py_DECREF(as_object(owned->handle_));
}

/// Cancels a handle that nobody is to call any more, and gives it up.
bool Watches::drop(HandleObject* handle) {
  const py::Ref owned = py::Ref::steal(as_object(handle));
  return cancel_handle(*handle);
}

}  // namespace ringhorn::loop
