/// Receive delivers the bytes of a connected socket as they come, in memory of the driver, so that
/// an idle connection holds no buffer. Its owner, a connection, pauses it to hold the peer back. It
/// never delivers out of order and never closes the socket.
#pragma once

#include <span>

#include <ringhorn/io/operation.hpp>

namespace ringhorn::io {

class ReceiveHandler {
 public:
  /// Bytes that came, never empty: as a rule all that the socket had, up to 256 KB. The memory is
  /// the driver's: it may be written to, and is valid only during the call.
  virtual void on_received(std::span<char> bytes) = 0;
  /// The peer has shut down its side (FIN). No more bytes follow; receiving has ended.
  virtual void on_receive_end() = 0;
  /// The connection broke: ECONNRESET, ETIMEDOUT … Receiving has ended.
  virtual void on_receive_error(int error) = 0;
  /// After stop(): no other callback follows, the Receive may be destroyed.
  virtual void on_receive_stopped() = 0;

 protected:
  ~ReceiveHandler() = default;
};

class Receive final : public Operation {
 public:
  /// `fd` is borrowed and must stay open while in flight, or until stop(): then its number may
  /// stand for another file at once. The file itself stays open until on_receive_stopped().
  Receive(Driver& driver, int fd, ReceiveHandler& handler) noexcept
      : Operation(driver, Kind::receive, fd), handler_(&handler) {}

  /// Starts, or goes on after pause(); nothing changes when it is already receiving. A shortage of
  /// buffers is handled inside. REQUIRES: not being stopped.
  void start();
  /// Asks for no more bytes until start(). What the kernel has already handed over still comes, an
  /// end or an error included.
  void pause();
  /// Ends in on_receive_stopped(), out of a later dispatch, whether in flight or not. Bytes that
  /// still come are dropped.
  void stop();

 private:
  friend struct OperationAccess;
  ReceiveHandler* handler_;
  bool wanted_ = false;
  /// Of the ring: armed for readiness, and read by hand (uring_receive.cpp).
  bool bulky_ = false;
};

}  // namespace ringhorn::io
