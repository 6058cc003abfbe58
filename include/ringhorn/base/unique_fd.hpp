/// UniqueFd owns one file descriptor and closes it when it goes.
#pragma once

#include <utility>

namespace ringhorn::base {

class UniqueFd {
 public:
  UniqueFd() = default;
  /// Takes ownership of `fd`; -1 means none.
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  /// The descriptor, still owned here; -1 when there is none.
  int value() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// Hands the descriptor to the caller.
  int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes what is held, then takes `fd`.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

}  // namespace ringhorn::base
