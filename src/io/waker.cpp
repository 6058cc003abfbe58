#include "waker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace ringhorn::io {

int Waker::open() noexcept {
  fd_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return fd_ ? 0 : errno;
}

void Waker::wake() noexcept {
  if (pending_.exchange(true)) {
    return;
  }
  // A signal handler must leave errno as it was. The counter cannot overflow: the write cannot
  // fail.
  const int saved_errno = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_.value(), &one, sizeof one);
  errno = saved_errno;
}

}  // namespace ringhorn::io
