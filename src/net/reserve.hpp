/// Reserve keeps one descriptor back, so that a server which has no other left can still take the
/// connections that wait, one at a time, tell them so and close them. A listener uses it; it never
/// waits, and serves nobody.
#pragma once

#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::net {

class Reserve {
 public:
  Reserve() noexcept { refill(); }

  /// Refuses with 503 who waits at `listen_fd`, at most `count_max`; returns how many. 0 when
  /// nobody does, or when the descriptor that was kept is gone. Best effort: a client whose
  /// request comes later than the refusal may see a reset instead.
  int shed(int listen_fd, int count_max) noexcept;

 private:
  void refill() noexcept;
  base::UniqueFd spare_;
};

}  // namespace ringhorn::net
