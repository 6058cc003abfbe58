#include <ringhorn/io/timer.hpp>

#include <algorithm>
#include <limits>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::io {

Timer::~Timer() {
  RINGHORN_ASSERT(!armed());
}

void TimerQueue::arm(Timer& timer, base::Nanoseconds deadline_ns) {
  timer.deadline_ns_ = deadline_ns;
  const Entry entry{std::max(deadline_ns, earliest_ns_), armed_count_++, &timer};
  if (!timer.armed()) {
    timer.index_ = heap_.size();
    heap_.push_back(entry);
  }
  settle(timer.index_, entry);
  if (timer.index_ == 0 && turn_handler_ != nullptr) {
    turn_handler_->on_turn_due();
  }
}

void TimerQueue::disarm(Timer& timer) noexcept {
  if (!timer.armed()) {
    return;
  }
  const std::size_t index = timer.index_;
  RINGHORN_ASSERT(index < heap_.size() && heap_[index].timer == &timer);
  timer.index_ = Timer::none;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (index < heap_.size()) {
    settle(index, last);
  }
}

void TimerQueue::expire(base::Nanoseconds now_ns) {
  earliest_ns_ = now_ns + 1;
  while (next_deadline_ns() <= now_ns) {
    Timer* timer = heap_.front().timer;
    disarm(*timer);
    timer->on_expired();
  }
  earliest_ns_ = std::numeric_limits<base::Nanoseconds>::min();
}

bool TimerQueue::is_before(const Entry& left, const Entry& right) noexcept {
  return left.deadline_ns != right.deadline_ns ? left.deadline_ns < right.deadline_ns
                                               : left.order < right.order;
}

void TimerQueue::place(std::size_t index, const Entry& entry) noexcept {
  heap_[index] = entry;
  entry.timer->index_ = index;
}

/// Puts `entry` into the hole at `index`, and moves it up or down to where it belongs.
void TimerQueue::settle(std::size_t index, const Entry& entry) noexcept {
  while (index > 0 && is_before(entry, heap_[(index - 1) / 2])) {
    place(index, heap_[(index - 1) / 2]);
    index = (index - 1) / 2;
  }
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child + 1 < heap_.size() && is_before(heap_[child + 1], heap_[child])) {
      ++child;
    }
    if (child >= heap_.size() || !is_before(heap_[child], entry)) {
      break;
    }
    place(index, heap_[child]);
    index = child;
  }
  place(index, entry);
}

}  // namespace ringhorn::io
