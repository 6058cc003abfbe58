// Setting up the ring, and saying in one sentence why it cannot be had and what to do about it.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "uring_driver.hpp"

namespace ringhorn::io {

namespace {

/// The value of kernel.io_uring_disabled (6.6): '0', '1', '2'; '0' when there is none.
char read_sysctl() {
  base::UniqueFd file(::open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC));
  char value = '0';
  return file && ::read(file.value(), &value, 1) == 1 ? value : '0';
}

std::string memory_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? "unlimited"
                                         : std::to_string(limit.rlim_cur / 1024) + " KiB";
}

std::string explain_refusal() {
  const char sysctl = read_sysctl();
  if (sysctl != '0') {
    return std::string("io_uring is switched off by the sysctl kernel.io_uring_disabled = ") +
           sysctl + ": set it to 0 (sysctl -w kernel.io_uring_disabled=0)" +
           (sysctl == '1' ? " or give the process CAP_SYS_ADMIN" : "");
  }
  return "io_uring is forbidden here (EPERM), most likely by the seccomp profile of the container: "
         "allow io_uring_setup, io_uring_enter and io_uring_register in it "
         "(docker run --security-opt seccomp=PROFILE)";
}

constexpr const char* too_old =
    "this kernel's io_uring is too old: receiving into provided buffers, many times per request, "
    "needs Linux 6.0, and 6.1 or newer is best: upgrade the kernel";

std::string explain_uring(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return explain_refusal();
    case ENOSYS:
      return "this kernel has no io_uring (ENOSYS), or a sandbox hides it: run on Linux 6.1 or "
             "newer, with io_uring allowed";
    case EINVAL:
    case EOPNOTSUPP:
      return too_old;
    case ENOMEM:
      return "no memory for io_uring (ENOMEM): raise the limit of locked memory (now " +
             memory_limit() + "; ulimit -l, LimitMEMLOCK= of systemd) or the container's memory";
    case EMFILE:
    case ENFILE:
      return "no file descriptor is left for io_uring: raise the limit (ulimit -n, LimitNOFILE= of "
             "systemd)";
    default:
      return "io_uring cannot be set up: [Errno " + std::to_string(error) + "] " +
             std::system_category().message(error) + ": report this with the kernel's version";
  }
}

/// Receives two bytes, one after the other, and the end of a socket pair as a connection would.
/// Asking the kernel to do it tells more than its version: distributions backport. 0 or an errno.
int try_receive(Ring& ring, BufferRing& buffers) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return errno;
  }
  base::UniqueFd near(ends[0]);
  base::UniqueFd far(ends[1]);
  if (::write(far.value(), "x", 1) != 1) {
    return errno;
  }
  io_uring_sqe& sqe = ring.next_sqe();
  ::io_uring_prep_recv_multishot(&sqe, near.value(), nullptr, 0, 0);
  sqe.flags |= IOSQE_BUFFER_SELECT;
  sqe.buf_group = BufferRing::group;
  sqe.user_data = 0;
  // The bytes must be where we look for them, and the first must promise more. What follows, the
  // end or a lack of further buffers, must only be out of the way.
  std::string received;
  const char* behind = nullptr;
  bool in_a_row = true;
  int error = 0;
  for (bool more = true; more;) {
    if (ring.completions() == 0) {
      ring.enter(Ring::Wait::until_completion);
      continue;
    }
    const io_uring_cqe cqe = ring.completion(0);
    ring.advance(1);
    more = (cqe.flags & IORING_CQE_F_MORE) != 0;
    if (cqe.res > 0) {
      const unsigned short id = BufferRing::id(cqe.flags);
      const std::span<char> bytes = buffers.take(id, static_cast<std::size_t>(cqe.res));
      received.append(bytes.data(), bytes.size());
      in_a_row = in_a_row && (behind == nullptr || behind == bytes.data());
      behind = bytes.data() + bytes.size();
      buffers.release(id);
    }
    if (far) {
      error = cqe.res < 0 ? -cqe.res : (more ? 0 : EINVAL);
      error = error == 0 && ::write(far.value(), "y", 1) != 1 ? errno : error;
      far.reset();
    }
  }
  // A single buffer that is the only one cannot be had for the second byte.
  const bool understood =
      buffers.shared() ? received == "xy" && in_a_row : received == "xy" || received == "x";
  return error != 0 || understood ? error : EINVAL;
}

/// The buffers, shared if that is wanted and works. 0 or an errno.
int open_buffers(Ring& ring, BufferRing& buffers, const UringSettings& settings) {
  if (settings.share_receive_buffers &&
      buffers.open(ring, BufferRing::Use::shared, settings.shared_buffer_count,
                   settings.shared_buffer_bytes) == 0) {
    if (try_receive(ring, buffers) == 0) {
      return 0;
    }
    ring.unregister_buffers();
    buffers.unmap();
  }
  const int error = buffers.open(ring, BufferRing::Use::single, settings.receive_buffer_count,
                                 settings.receive_buffer_bytes);
  return error != 0 ? error : try_receive(ring, buffers);
}

}  // namespace

base::Result<bool, std::string> UringDriver::open(const UringSettings& settings) {
  int error = ring_.open(settings.queue_entries);
  if (error == 0) {
    error = open_buffers(ring_, buffers_, settings);
  }
  if (error == 0) {
    error = waker_.open();
  }
  if (error != 0) {
    return base::Failure{explain_uring(error)};
  }
  bulk_ = std::make_unique_for_overwrite<char[]>(received_bytes_max);
  keeps_silence_ = try_silence();
  events_per_turn_ = settings.events_per_turn;
  recheck_ns_ = settings.recheck_ns;
  arm_wake();
  return true;
}

base::Result<std::unique_ptr<Driver>, std::string> make_uring_driver(
    const UringSettings& settings) {
  auto driver = std::make_unique<UringDriver>(std::make_unique<SystemKernel>());
  const auto opened = driver->open(settings);
  if (!opened) {
    return base::Failure{opened.error()};
  }
  return std::unique_ptr<Driver>(std::move(driver));
}

}  // namespace ringhorn::io
