#include "quiet_write.hpp"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::telemetry {

namespace {

/// Linux 6.18; glibc does not name it yet.
constexpr int rwf_nosignal = 0x100;

/// Holds back the SIGPIPE of one write. The signal is sent to this thread alone, so taking it away
/// afterwards cannot take anybody else's.
class PipeSignalGuard {
 public:
  PipeSignalGuard() noexcept {
    ::sigemptyset(&pipe_signal_);
    ::sigaddset(&pipe_signal_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal_, &before_);
  }
  PipeSignalGuard(const PipeSignalGuard&) = delete;
  PipeSignalGuard& operator=(const PipeSignalGuard&) = delete;
  ~PipeSignalGuard() {
    const int error = errno;
    if (error == EPIPE && ::sigismember(&before_, SIGPIPE) == 0) {
      const timespec now{};
      ::sigtimedwait(&pipe_signal_, nullptr, &now);
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

 private:
  sigset_t pipe_signal_;
  sigset_t before_;
};

template <typename Write>
ssize_t uninterrupted(Write write) {
  ssize_t count = 0;
  do {
    count = write();
  } while (count < 0 && errno == EINTR);
  return count;
}

ssize_t write_with(int fd, std::string_view bytes, int flags) {
  // The kernel does not write through the pointer.
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return uninterrupted([&] { return ::pwritev2(fd, &piece, 1, -1, flags); });
}

/// Older kernels know the call without the flag; seccomp filters may answer EPERM or ENOSYS.
bool is_unknown_way(ssize_t count) {
  return count < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM || errno == EINVAL);
}

/// A pipe that poll calls writable takes PIPE_BUF bytes without waiting (pipe(7)).
ssize_t write_polled(int fd, std::string_view bytes) {
  pollfd state{fd, POLLOUT, 0};
  if (::poll(&state, 1, 0) <= 0) {
    errno = EAGAIN;
    return -1;
  }
  if ((state.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    errno = EPIPE;
    return -1;
  }
  const PipeSignalGuard guard;
  const std::size_t count = std::min<std::size_t>(bytes.size(), PIPE_BUF);
  return uninterrupted([&] { return ::write(fd, bytes.data(), count); });
}

ssize_t write_guarded(int fd, std::string_view bytes) {
  const PipeSignalGuard guard;
  return write_with(fd, bytes, RWF_NOWAIT);
}

}  // namespace

Way way_for(int fd) noexcept {
  struct stat status;
  if (::fstat(fd, &status) != 0) {
    return Way::closed;
  }
  if (S_ISREG(status.st_mode)) {
    return Way::file;
  }
  return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ? Way::silent : Way::polled;
}

ssize_t write_quietly(int fd, std::string_view bytes, Way& way) noexcept {
  RINGHORN_ASSERT(!bytes.empty());
  if (way == Way::silent) {
    const ssize_t count = write_with(fd, bytes, RWF_NOWAIT | rwf_nosignal);
    if (!is_unknown_way(count)) {
      return count;
    }
    way = Way::guarded;
  }
  if (way == Way::guarded) {
    const ssize_t count = write_guarded(fd, bytes);
    if (!is_unknown_way(count)) {
      return count;
    }
    way = Way::polled;
  }
  if (way == Way::polled) {
    return write_polled(fd, bytes);
  }
  if (way == Way::file) {
    return uninterrupted([&] { return ::write(fd, bytes.data(), bytes.size()); });
  }
  errno = EBADF;
  return -1;
}

}  // namespace ringhorn::telemetry
