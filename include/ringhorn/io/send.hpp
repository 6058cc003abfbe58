/// Send hands bytes to a connected socket, one send at a time. Its owner, a connection, keeps the
/// bytes in place until it has ended and sends on what was left. It never copies and never raises
/// SIGPIPE.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <ringhorn/io/operation.hpp>

namespace ringhorn::io {

/// Who waits to hear that the bytes have left.
enum class Report : std::uint8_t {
  /// Somebody does. The send waits for room in the socket's buffer as long as it takes.
  promptly,
  /// Nobody does. The bytes are offered once and never wait for room: it ends with the driver's
  /// next wait, and on_sent says how many were taken, even 0. What is left is sent promptly.
  /// When all were taken, on_sent may come as late as with the next thing that ends that wait.
  in_passing,
};

class SendHandler {
 public:
  /// `count` bytes are with the kernel: all of them, or fewer (the owner sends the rest). The
  /// memory may be reused. 0 only where the report was to come in passing.
  virtual void on_sent(std::size_t count) = 0;
  /// Nothing more can be sent: EPIPE, ECONNRESET, or ECANCELED after stop(). The memory may be
  /// reused, the Send destroyed.
  virtual void on_send_error(int error) = 0;

 protected:
  ~SendHandler() = default;
};

class Send final : public Operation {
 public:
  static constexpr std::size_t parts_max = 16;

  Send(Driver& driver, int fd, SendHandler& handler) noexcept
      : Operation(driver, Kind::send, fd), handler_(&handler) {}

  /// Queues a send of one run of bytes; it leaves with the driver's next wait. The bytes must stay
  /// valid and unchanged until on_sent or on_send_error.
  /// REQUIRES: !in_flight(), bytes not empty
  void start(std::string_view bytes, Report report = Report::promptly);
  /// The same for several runs, in order. The array itself must stay valid and unchanged as long as
  /// the bytes. REQUIRES: !in_flight(), 1 <= parts.size() <= parts_max, no part empty
  void start(std::span<const iovec> parts, Report report = Report::promptly);
  /// Hands over what the socket takes at once and says how much that is: 0 also when it is broken,
  /// which the next start() will tell. REQUIRES: as for start()
  std::size_t offer(std::string_view bytes) noexcept;
  std::size_t offer(std::span<const iovec> parts) noexcept;

  /// Gives up a send in flight: it ends in on_sent or on_send_error(ECANCELED), out of a later
  /// dispatch. REQUIRES: in_flight()
  void stop();

 private:
  friend struct OperationAccess;
  int outcome_ = 0;      ///< bytes or -errno, until the handler hears of it; the epoll driver's
  unsigned ticket_ = 0;  ///< its request's place in the queue; the ring driver's
  Report report_ = Report::promptly;
  SendHandler* handler_;
  iovec run_{};       ///< what start(bytes) was given
  msghdr message_{};  ///< points to `run_` or to the parts
};

}  // namespace ringhorn::io
