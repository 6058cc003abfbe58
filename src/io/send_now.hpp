/// One send(2) or sendmsg(2) that waits for nothing.
#pragma once

#include <sys/socket.h>

#include <cerrno>

namespace ringhorn::io {

/// As sendmsg(2), but with -errno: -EAGAIN when the socket takes nothing now. Never raises SIGPIPE.
inline ssize_t send_now(int fd, const msghdr& message) noexcept {
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  for (;;) {
    // One run needs no message header to be read and checked by the kernel.
    const iovec& run = message.msg_iov[0];
    const ssize_t count = message.msg_iovlen == 1 ? ::send(fd, run.iov_base, run.iov_len, flags)
                                                  : ::sendmsg(fd, &message, flags);
    if (count >= 0) {
      return count;
    }
    if (errno != EINTR) {
      return -errno;
    }
  }
}

}  // namespace ringhorn::io
