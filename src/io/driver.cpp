#include <ringhorn/io/driver.hpp>

#include <cerrno>

#include "operation_access.hpp"

namespace ringhorn::io {

void Driver::flush() {
  if (inherited()) {
    return;
  }
  flush_hooks_.push_back(flush_end_);
  // Each hook goes to the back before its call: whatever the call unlinks, the front stays valid,
  // and the order of registration is back when the mark is reached.
  for (FlushHook* hook = flush_hooks_.front(); hook != &flush_end_; hook = flush_hooks_.front()) {
    hook->unlink();
    flush_hooks_.push_back(*hook);
    hook->on_flush();
  }
  flush_end_.unlink();
}

void Driver::dispatch() {
  if (inherited()) {
    return;
  }
  now_ns_ = base::monotonic_ns();
  // Only the stops asked for before this dispatch: one asked for in a handler waits for the next.
  for (unsigned left = stops_; left > 0; --left) {
    Operation* operation = stopped_.pop_front();
    RINGHORN_ASSERT(operation != nullptr);
    --stops_;
    report_stopped(*operation);
  }
  dispatch_completions();
  if (timers_.next_deadline_ns() <= now_ns_) {
    timers_.expire(now_ns_);
  }
}

void Driver::report_stopped_later(Operation& operation) noexcept {
  OperationAccess::in_flight(operation) = true;
  OperationAccess::stopping(operation) = true;
  stopped_.push_back(operation);
  ++stops_;
}

void Driver::report_stopped(Operation& operation) {
  RINGHORN_ASSERT(OperationAccess::stopping(operation));
  OperationAccess::in_flight(operation) = false;
  OperationAccess::stopping(operation) = false;
  OperationAccess::cancelling(operation) = false;
  switch (OperationAccess::kind(operation)) {
    case OperationAccess::Kind::accept:
      return OperationAccess::handler(static_cast<Accept&>(operation)).on_accept_stopped();
    case OperationAccess::Kind::receive:
      return OperationAccess::handler(static_cast<Receive&>(operation)).on_receive_stopped();
    case OperationAccess::Kind::send:
      return OperationAccess::handler(static_cast<Send&>(operation)).on_send_error(ECANCELED);
    case OperationAccess::Kind::poll:
      return OperationAccess::handler(static_cast<Poll&>(operation)).on_poll_stopped();
  }
}

}  // namespace ringhorn::io
