/// Operation is one request to the kernel that its owner keeps alive until it has ended: accept,
/// receive, send, poll. The owner embeds it; nothing here allocates. One thread only.
///
/// Rules that hold for every operation:
///  * A handler runs only inside Driver::dispatch(), never inside a call that starts or stops.
///  * `in_flight()` says that the driver still knows the object's address: it is started and has
///  not
///    ended, or it is being stopped. It must not be destroyed before that is false; the destructor
///    asserts it.
///  * `stop()` asks for the end; the end arrives as the operation's `*_stopped` callback, exactly
///    once, also when the operation was idle or ended by itself in between: out of dispatch(),
///    never inside stop() or the handler that called it. A second stop() before that callback adds
///    nothing. A handler may destroy the operation's owner in that last callback, or start the
///    operation again.
///  * In a forked child nothing happens to an operation that was made before the fork (driver.hpp):
///    starting and stopping do nothing, and it may be destroyed as it is.
#pragma once

#include <cstdint>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/base/intrusive_list.hpp>

namespace ringhorn::io {

class Driver;

/// A driver's list of operations: those whose stop it has yet to report, or that it made wait.
struct OperationTag;

class Operation : public base::ListNode<OperationTag> {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  bool in_flight() const noexcept { return in_flight_; }
  /// The descriptor it works on, borrowed: open for as long as the operation is in flight, unless
  /// the operation says otherwise.
  int fd() const noexcept { return fd_; }

 protected:
  enum class Kind : std::uint8_t { accept, receive, send, poll };

  Operation(Driver& driver, Kind kind, int fd) noexcept : driver_(&driver), fd_(fd), kind_(kind) {}
  ~Operation() { RINGHORN_ASSERT(!in_flight_ || inherited()); }

  /// As Driver's.
  bool inherited() const noexcept;
  /// Calls `request` with the driver: the one way to it.
  template <typename Request>
  void ask(Request request);

 private:
  /// What the drivers, and nobody else, may reach into (src/io/operation_access.hpp).
  friend struct OperationAccess;

  Driver* driver_;
  int fd_;
  Kind kind_;
  bool in_flight_ = false;
  bool stopping_ = false;
  bool cancelling_ = false;  ///< the driver has asked the kernel to give it up
};

}  // namespace ringhorn::io
