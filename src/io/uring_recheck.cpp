// A second look at receives that got bytes and then nothing for a while.
//
// A multishot receive that has taken all bytes goes on waiting for a wake-up without looking
// whether the socket has ended meanwhile. Kernels from 6.3 on lose a reset (on Unix sockets an end
// too) that comes right behind bytes: before the wake-up for those was worked off, and, where that
// is mended (6.18 and others), still between the first try and the arming of its poll. The owner of
// a connection that only listens would never hear of it. Found on 2026-11-21, Linux 6.18.44; see
// DECISIONS.md.

#include <poll.h>

#include <array>

#include "uring_driver.hpp"

namespace ringhorn::io {

void UringDriver::recheck_later(Receive& receive) {
  if (receive.linked()) {
    return;
  }
  heard_.push_back(receive);
  if (!recheck_timer_.armed()) {
    timers_.arm(recheck_timer_, now_ns_ + recheck_ns_);
  }
}

void UringDriver::recheck() {
  std::array<pollfd, 256> polled;
  std::array<Receive*, polled.size()> receives;
  while (!quiet_.empty()) {
    std::size_t count = 0;
    while (count < polled.size() && !quiet_.empty()) {
      receives[count] = static_cast<Receive*>(quiet_.pop_front());
      polled[count] = {receives[count]->fd(), POLLRDHUP, 0};
      ++count;
    }
    if (::poll(polled.data(), count, 0) <= 0) {
      continue;
    }
    for (std::size_t index = 0; index < count; ++index) {
      // The next request finds out by itself what has happened.
      if (polled[index].revents != 0) {
        cancel(*receives[index]);
      }
    }
  }
  while (Operation* receive = heard_.pop_front()) {
    quiet_.push_back(*receive);
  }
  if (!quiet_.empty()) {
    timers_.arm(recheck_timer_, now_ns_ + recheck_ns_);
  }
}

}  // namespace ringhorn::io
