/// Accept takes connections from a listening socket until it is stopped. Its owner, a listener, is
/// told of each connection, and decides what to do when there are no descriptors left. It never
/// closes the listening socket.
#pragma once

#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/io/operation.hpp>

namespace ringhorn::io {

/// Whether an errno of accept(2) is about one connection that broke before it was taken, or one of
/// which a second try is as good as the first. The listener itself is sound then.
bool concerns_one_connection(int error) noexcept;

class AcceptHandler {
 public:
  /// A connection, non-blocking and close-on-exec. May be called many times in one dispatch, and
  /// after stop() too, until on_accept_stopped(): what the kernel has accepted is never dropped.
  virtual void on_accepted(base::UniqueFd socket) = 0;
  /// Accepting has ended with `error` (EMFILE, ENFILE, ENOBUFS, ENOMEM, EINVAL …) and stays ended
  /// until the owner starts it again. An error that concerns one connection only (ECONNABORTED,
  /// EPROTO, EHOSTUNREACH …) never gets here: that connection is skipped.
  virtual void on_accept_error(int error) = 0;
  /// After stop(): the listening socket may be closed, the Accept destroyed.
  virtual void on_accept_stopped() = 0;

 protected:
  ~AcceptHandler() = default;
};

class Accept final : public Operation {
 public:
  /// `listen_fd` is borrowed, non-blocking, and must stay open while in flight.
  Accept(Driver& driver, int listen_fd, AcceptHandler& handler) noexcept
      : Operation(driver, Kind::accept, listen_fd), handler_(&handler) {}

  /// REQUIRES: !in_flight()
  void start();
  /// Ends in on_accept_stopped(), out of a later dispatch, whether in flight or not.
  void stop();

 private:
  friend struct OperationAccess;
  AcceptHandler* handler_;
};

}  // namespace ringhorn::io
