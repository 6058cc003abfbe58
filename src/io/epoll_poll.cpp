#include <poll.h>

#include "epoll_driver.hpp"

namespace ringhorn::io {

void EpollDriver::start(Poll& poll, short events) {
  OperationAccess::in_flight(poll) = true;
  OperationAccess::events(poll) = events;
  Registration* registration = join(poll.fd());
  if (registration == nullptr) {
    OperationAccess::events(poll) = POLLNVAL;
    return later_.push_back(poll);
  }
  registration->polls.push_back(poll);
  // What is ready already is not an event: the kernel says it when it is told anew.
  registration->certain = false;
  tell_later(*registration);
}

void EpollDriver::stop(Poll& poll) {
  const bool parked = poll.in_flight();
  poll.unlink();
  if (Registration* registration = parked ? table_.find(poll.fd()) : nullptr) {
    note_departure(*registration);
  }
  report_stopped_later(poll);
}

/// Those who wait for one of `events` have it.
void EpollDriver::report_ready(Registration& registration, std::uint32_t events) {
  constexpr std::uint32_t unasked = EPOLLERR | EPOLLHUP | POLLNVAL;
  Operation* next = registration.polls.front();
  while (next != nullptr) {
    Poll& poll = static_cast<Poll&>(*next);
    next = registration.polls.after(poll);
    short& asked = OperationAccess::events(poll);
    const std::uint32_t ready = events & (static_cast<unsigned short>(asked) | unasked);
    if (ready != 0) {
      asked = static_cast<short>(ready);
      poll.unlink();
      due_.push_back(poll);
    }
  }
  note_departure(registration);
}

void EpollDriver::run(Poll& poll) {
  OperationAccess::in_flight(poll) = false;
  OperationAccess::handler(poll).on_ready(OperationAccess::events(poll));
}

}  // namespace ringhorn::io
