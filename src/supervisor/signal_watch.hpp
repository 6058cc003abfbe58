/// SignalWatch has the supervisor's signals come as bytes of a descriptor, so that one poll waits
/// for them and for everything else, and none is lost between looking and waiting. They are blocked
/// from its making to its end; a child that is forked meanwhile gives them free again.
#pragma once

#include <csignal>
#include <optional>
#include <string>

#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::supervisor {

class SignalWatch {
 public:
  SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

  /// Readable when take() has something.
  int fd() const noexcept { return fd_.value(); }
  /// The next signal that came; empty when there is none.
  std::optional<int> take() const;
  /// In a forked child: as it was before, and nothing of ours is open.
  void leave_to_child();

 private:
  sigset_t before_{};
  base::UniqueFd fd_;
};

/// `SIGTERM`; a number where the system has no name.
std::string signal_name(int number);

}  // namespace ringhorn::supervisor
