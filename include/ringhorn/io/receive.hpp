/// Receive delivers the bytes of a connected socket as they come (multishot with provided buffers on
/// the ring), so that an idle connection holds no buffer.
#pragma once

#include <span>

#include <ringhorn/io/operation.hpp>

namespace ringhorn::io {

class ReceiveHandler {
 public:
  /// Bytes that came, never empty. The memory is the driver's: it may be written to, and is valid
  /// only during the call.
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
  /// `fd` is borrowed and must stay open while in flight.
  Receive(Driver& driver, int fd, ReceiveHandler& handler) noexcept
      : Operation(driver), fd_(fd), handler_(&handler) {}

  /// Starts, or goes on after pause(). Running out of provided buffers is handled inside: receiving
  /// goes on as soon as one comes back. REQUIRES: not stopped.
  void start();
  /// Asks for no more bytes until start(). What the kernel has already handed over still comes: at
  /// most the provided buffers that are filled by now.
  void pause();
  /// Ends in on_receive_stopped(), out of a later dispatch, whether in flight or not. Bytes that
  /// still come are dropped.
  void stop();

  int fd() const noexcept { return fd_; }

 private:
  friend class UringDriver;
  int fd_;
  ReceiveHandler* handler_;
  bool wanted_ = false;
};

}  // namespace ringhorn::io
