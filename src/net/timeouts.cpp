#include "timeouts.hpp"

#include <algorithm>

namespace ringhorn::net {

base::Nanoseconds Timeouts::arm(Timeout& timeout, TimeoutKind kind,
                                base::Nanoseconds now_ns) noexcept {
  const auto index = static_cast<std::size_t>(kind);
  timeout.unlink();
  if (durations_[index] == 0) {
    return never;
  }
  timeout.kind_ = kind;
  timeout.deadline_ns_ = now_ns + durations_[index];
  lists_[index].push_back(timeout);
  return timeout.deadline_ns_;
}

base::Nanoseconds Timeouts::next_deadline_ns() noexcept {
  base::Nanoseconds next = never;
  for (List& list : lists_) {
    if (const Timeout* front = list.front(); front != nullptr) {
      next = std::min(next, front->deadline_ns_);
    }
  }
  return next;
}

void Timeouts::expire(base::Nanoseconds now_ns) {
  for (List& list : lists_) {
    // What an owner arms again in its call has a later deadline: the loop ends.
    for (Timeout* front = list.front(); front != nullptr && front->deadline_ns_ <= now_ns;
         front = list.front()) {
      front->unlink();
      front->owner_->on_timeout(front->kind_);
    }
  }
}

}  // namespace ringhorn::net
