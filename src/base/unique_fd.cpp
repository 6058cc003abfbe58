#include <ringhorn/base/unique_fd.hpp>

#include <unistd.h>

namespace ringhorn::base {

void UniqueFd::reset(int fd) noexcept {
  if (fd_ >= 0) {
    // Linux closes the descriptor even when close() says EINTR: never retry.
    ::close(fd_);
  }
  fd_ = fd;
}

}  // namespace ringhorn::base
