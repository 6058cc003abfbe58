#include <sys/socket.h>

#include <cerrno>

#include "epoll_driver.hpp"

namespace ringhorn::io {

void EpollDriver::start(Receive& receive) {
  OperationAccess::in_flight(receive) = true;
  if (Registration* registration = join(receive.fd())) {
    if (registration->receive != nullptr) {
      // Somebody has closed its descriptor under it. As with any file that is closed, it hears of
      // nothing more.
      registration->receive->unlink();
    }
    registration->receive = &receive;
    registration->rest = 0;
  }
  // A first look costs little, and a connection whose request came with it less than a wait.
  later_.push_back(receive);
}

void EpollDriver::pause(Receive& receive) {
  if (receive.in_flight()) {
    receive.unlink();
    leave(receive);
    OperationAccess::in_flight(receive) = false;
  }
}

void EpollDriver::stop(Receive& receive) {
  receive.unlink();
  leave(receive);
  report_stopped_later(receive);
}

void EpollDriver::run(Receive& receive) {
  const ssize_t count = ::recv(receive.fd(), buffer_.get(), buffer_bytes_, MSG_DONTWAIT);
  if (count > 0) {
    const auto size = static_cast<std::size_t>(count);
    // Before the handler runs: it may pause the receive, and then destroy it.
    const Registration* registration = table_.find(receive.fd());
    if (size == buffer_bytes_ || registration == nullptr || registration->rest != 0) {
      later_.push_back(receive);
    } else {
      park(receive);
    }
    return OperationAccess::handler(receive).on_received({buffer_.get(), size});
  }
  if (count == 0) {
    return end(receive, 0);
  }
  if (errno == EINTR) {
    return later_.push_back(receive);
  }
  if (errno != EAGAIN) {
    return end(receive, errno);
  }
  if (const int error = watch_error(receive.fd()); error != 0) {
    return end(receive, error);
  }
  park(receive);
}

/// Until the next edge.
void EpollDriver::park(Receive& receive) {
  Registration& registration = table_.at(receive.fd());
  RINGHORN_ASSERT(registration.receive == &receive);
  if (!registration.covers(Registration::receive_events | EPOLLET)) {
    tell_later(registration);
  }
}

void EpollDriver::end(Receive& receive, int error) {
  leave(receive);
  OperationAccess::wanted(receive) = false;
  OperationAccess::in_flight(receive) = false;
  ReceiveHandler& handler = OperationAccess::handler(receive);
  return error == 0 ? handler.on_receive_end() : handler.on_receive_error(error);
}

void EpollDriver::leave(Receive& receive) noexcept {
  Registration* registration = table_.find(receive.fd());
  if (registration != nullptr && registration->receive == &receive) {
    registration->receive = nullptr;
    note_departure(*registration);
  }
}

}  // namespace ringhorn::io
