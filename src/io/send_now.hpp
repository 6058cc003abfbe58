/// One send(2) or sendmsg(2) that waits for nothing.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <span>

namespace ringhorn::io {

/// The runs of `message`, in order.
inline std::span<const iovec> runs_of(const msghdr& message) noexcept {
  return {message.msg_iov, message.msg_iovlen};
}

/// All bytes of `message`.
inline std::size_t bytes_of(const msghdr& message) noexcept {
  std::size_t count = 0;
  for (const iovec& run : runs_of(message)) {
    count += run.iov_len;
  }
  return count;
}

/// Fetches what is about to be sent into the first-level cache. The kernel copies it with REP MOVS,
/// and that drops from all caches what it had to fetch from beyond the first (measured on AMD
/// Zen 2): the next response, written to the same memory, would wait for it. Below the minimum this
/// gains nothing; above the maximum the first bytes are gone when the copy begins.
inline void fetch(const msghdr& message) noexcept {
  constexpr std::size_t bytes_min = 1024;
  constexpr std::size_t bytes_max = 49152;
  constexpr std::size_t line_bytes = 64;
  if (const std::size_t size = bytes_of(message); size < bytes_min || size > bytes_max) {
    return;
  }
  for (const iovec& run : runs_of(message)) {
    const auto* const bytes = static_cast<const volatile char*>(run.iov_base);
    for (std::size_t offset = 0; offset < run.iov_len; offset += line_bytes) {
      static_cast<void>(bytes[offset]);
    }
  }
}

/// As sendmsg(2), but with -errno: -EAGAIN when the socket takes nothing now. Never raises SIGPIPE.
inline ssize_t send_now(int fd, const msghdr& message) noexcept {
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  fetch(message);
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
