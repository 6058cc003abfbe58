/// OperationAccess is the drivers' way into the private parts of operations, so that the faces name
/// no backend. Only `src/io` includes it.
#pragma once

#include <ringhorn/io/accept.hpp>
#include <ringhorn/io/poll.hpp>
#include <ringhorn/io/receive.hpp>
#include <ringhorn/io/send.hpp>

namespace ringhorn::io {

struct OperationAccess {
  using Kind = Operation::Kind;

  static Kind kind(const Operation& operation) noexcept { return operation.kind_; }
  static bool& in_flight(Operation& operation) noexcept { return operation.in_flight_; }
  static bool& stopping(Operation& operation) noexcept { return operation.stopping_; }
  static bool& cancelling(Operation& operation) noexcept { return operation.cancelling_; }

  static AcceptHandler& handler(Accept& accept) noexcept { return *accept.handler_; }
  static ReceiveHandler& handler(Receive& receive) noexcept { return *receive.handler_; }
  static SendHandler& handler(Send& send) noexcept { return *send.handler_; }
  static PollHandler& handler(Poll& poll) noexcept { return *poll.handler_; }

  static bool& wanted(Receive& receive) noexcept { return receive.wanted_; }
  static bool& bulky(Receive& receive) noexcept { return receive.bulky_; }
  static const msghdr& message(const Send& send) noexcept { return send.message_; }
  static int& outcome(Send& send) noexcept { return send.outcome_; }
  static unsigned& ticket(Send& send) noexcept { return send.ticket_; }
  static unsigned ticket(const Send& send) noexcept { return send.ticket_; }
  static Report report(const Send& send) noexcept { return send.report_; }
  static short& events(Poll& poll) noexcept { return poll.events_; }
};

}  // namespace ringhorn::io
