/// EpollDriver is the Driver for where the ring cannot be had. This file is its map; each operation
/// has a source file of its own (epoll_accept.cpp, epoll_receive.cpp, …) with three steps: begin
/// (`start`), ask for its end (`stop`), do what can be done now (`run`).
///
/// Theory. An operation in flight is in one place: `unsent_` (a send that leaves with the next
/// wait), parked in the Registration of its descriptor (it waits for an event), `due_` or `later_`
/// (dispatch has something to do for it), or on the Driver's list of stops. Whatever is read or
/// accepted is so in dispatch(), one step per operation and turn; what is sent is sent by wait(),
/// and its outcome kept for dispatch().
///
/// System calls are tried first and the kernel is only asked for events when they would block: a
/// connection that is served and closed at once is never registered. A stream is registered once,
/// for edges, and its read bit is implied by where its Receive is: due after an edge and after a
/// full buffer, parked after a short read or EAGAIN. Every epoll_ctl reports what is ready by then,
/// so that nothing is lost between a try and the registration. Registrations of polls are for one
/// event, because nobody says when such a descriptor changes hands; that of a listener is for the
/// level, and taken back when the Accept ends. A number is therefore trusted to be the registered
/// file only as long as somebody has waited there without a break (Registration::certain).
#pragma once

#include <ringhorn/io/backend.hpp>
#include <ringhorn/io/driver.hpp>

#include "operation_access.hpp"
#include "registration.hpp"
#include "waker.hpp"

namespace ringhorn::io {

class EpollDriver final : public Driver {
 public:
  /// Not usable before open() has succeeded.
  EpollDriver() = default;
  ~EpollDriver() override;

  /// 0 or an errno.
  int open(const EpollSettings& settings);

  bool wait(base::Nanoseconds timeout_ns) override;
  bool has_completions() const noexcept override {
    return !inherited() && (!due_.empty() || !later_.empty() || woken_ || has_stops());
  }
  bool has_submissions() const noexcept override { return !inherited() && !unsent_.empty(); }
  bool expects_answers() const noexcept override { return has_submissions(); }
  void wake() noexcept override {
    if (!inherited()) {
      waker_.wake();
    }
  }
  void close(base::UniqueFd fd) override;
  int descriptor() override { return epoll_fd_.value(); }
  const char* name() const noexcept override { return "epoll"; }

 private:
  /// The waker's event; no registration has it, whose descriptor would be negative.
  static constexpr std::uint64_t wake_data = ~std::uint64_t{0};

  void start(Accept& accept) override;
  void stop(Accept& accept) override;
  void run(Accept& accept);
  void leave(Accept& accept) noexcept;

  void start(Receive& receive) override;
  void pause(Receive& receive) override;
  void stop(Receive& receive) override;
  void run(Receive& receive);
  void park(Receive& receive);
  void end(Receive& receive, int error);
  void leave(Receive& receive) noexcept;

  void start(Send& send) override;
  void stop(Send& send) override;
  void run(Send& send);
  void send_queued();
  void try_send(Send& send);
  void park(Send& send);
  void leave(Send& send) noexcept;

  void start(Poll& poll, short events) override;
  void stop(Poll& poll) override;
  void run(Poll& poll);
  void report_ready(Registration& registration, std::uint32_t events);

  void dispatch_completions() override;
  void run(Operation& operation);

  bool look(base::Nanoseconds timeout_ns);
  int wait_events(base::Nanoseconds timeout_ns) noexcept;
  base::Nanoseconds time_left_ns(base::Nanoseconds timeout_ns) const noexcept;
  void on_event(const epoll_event& event);

  /// The registration of somebody who is about to wait at `fd`; null when that is no descriptor.
  Registration* join(int fd);
  /// Somebody has left: the last one takes the certainty along.
  static void note_departure(Registration& registration) noexcept {
    registration.certain = registration.certain && registration.in_use();
  }
  /// Why the kernel does not watch `fd`; 0 when it does, or will.
  int watch_error(int fd) noexcept;
  /// Has the kernel told before the next look what is wanted then.
  void tell_later(Registration& registration) noexcept;
  void tell_changes();
  void tell(Registration& registration);
  int control(Registration& registration, int operation, std::uint32_t mask) noexcept;
  /// The kernel does not watch it: everybody who waits there hears why.
  void give_up(Registration& registration, int error);

  base::UniqueFd epoll_fd_;
  Waker waker_;
  bool woken_ = false;
  bool looked_ = false;        ///< the last wait asked the kernel for events
  bool coarse_clock_ = false;  ///< the kernel has no epoll_pwait2
  unsigned events_per_turn_ = 0;
  unsigned buffer_bytes_ = 0;
  std::unique_ptr<char[]> buffer_;  ///< what a receive has just read
  std::unique_ptr<epoll_event[]> events_;

  RegistrationTable table_;
  base::IntrusiveList<Registration, ChangedTag> changed_;
  base::IntrusiveList<Operation, OperationTag> unsent_;
  base::IntrusiveList<Operation, OperationTag> due_;
  /// Due in the next dispatch: they have had their turn, or came too late for it.
  base::IntrusiveList<Operation, OperationTag> later_;
};

}  // namespace ringhorn::io
