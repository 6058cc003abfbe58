/// Poll tells, once per start, that a descriptor is ready: the ground for add_reader/add_writer and
/// for libraries that do their own reads. Level-triggered by starting it again after each report.
/// It never reads or writes.
#pragma once

#include <ringhorn/io/operation.hpp>

namespace ringhorn::io {

class PollHandler {
 public:
  /// `events` is a mask of poll(2) events: what was asked for, POLLERR, POLLHUP, and POLLNVAL when
  /// the descriptor is none. The poll has ended; start it again to hear of the next.
  virtual void on_ready(short events) = 0;
  /// After stop(): the descriptor may be closed, the Poll destroyed.
  virtual void on_poll_stopped() = 0;

 protected:
  ~PollHandler() = default;
};

class Poll final : public Operation {
 public:
  Poll(Driver& driver, int fd, PollHandler& handler) noexcept
      : Operation(driver, Kind::poll, fd), handler_(&handler) {}

  /// `events`: of POLLIN, POLLOUT, POLLPRI and POLLRDHUP at least one. What is so already is
  /// reported too. REQUIRES: !in_flight()
  void start(short events);
  /// Ends in on_poll_stopped(), out of a later dispatch, whether in flight or not.
  void stop();

 private:
  friend struct OperationAccess;
  short events_ = 0;  ///< asked for, then what is ready; the epoll driver's
  PollHandler* handler_;
};

}  // namespace ringhorn::io
