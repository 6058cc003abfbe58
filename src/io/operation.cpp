// The operations' own functions: they check what their contract requires and leave the rest to the
// driver.

#include <ringhorn/io/operation.hpp>

#include <ringhorn/io/accept.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/io/poll.hpp>
#include <ringhorn/io/receive.hpp>
#include <ringhorn/io/send.hpp>

#include "operation_access.hpp"

namespace ringhorn::io {

bool Operation::inherited() const noexcept {
  return driver_->inherited();
}

void Accept::start() {
  if (inherited()) {
    return;
  }
  RINGHORN_ASSERT(!in_flight());
  driver().start(*this);
  driver().turn_due();
}

void Accept::stop() {
  if (!OperationAccess::stopping(*this) && !inherited()) {
    driver().stop(*this);
    driver().turn_due();
  }
}

void Receive::start() {
  if (inherited()) {
    return;
  }
  RINGHORN_ASSERT(!OperationAccess::stopping(*this));
  if (!wanted_) {
    wanted_ = true;
    driver().start(*this);
    driver().turn_due();
  }
}

void Receive::pause() {
  if (wanted_ && !inherited()) {
    wanted_ = false;
    driver().pause(*this);
    driver().turn_due();
  }
}

void Receive::stop() {
  if (!OperationAccess::stopping(*this) && !inherited()) {
    wanted_ = false;
    driver().stop(*this);
    driver().turn_due();
  }
}

void Send::start(std::string_view bytes, Report report) {
  if (inherited()) {
    return;
  }
  RINGHORN_ASSERT(!in_flight());
  RINGHORN_ASSERT(!bytes.empty());
  // sendmsg(2) only reads, but iovec has no const.
  run_ = {const_cast<char*>(bytes.data()), bytes.size()};
  message_.msg_iov = &run_;
  message_.msg_iovlen = 1;
  report_ = report;
  driver().start(*this);
  driver().turn_due();
}

void Send::start(std::span<const iovec> parts, Report report) {
  if (inherited()) {
    return;
  }
  RINGHORN_ASSERT(!in_flight());
  RINGHORN_ASSERT(!parts.empty() && parts.size() <= parts_max);
  message_.msg_iov = const_cast<iovec*>(parts.data());
  message_.msg_iovlen = parts.size();
  report_ = report;
  driver().start(*this);
  driver().turn_due();
}

void Send::stop() {
  if (inherited()) {
    return;
  }
  RINGHORN_ASSERT(in_flight());
  if (!OperationAccess::stopping(*this)) {
    driver().stop(*this);
    driver().turn_due();
  }
}

void Poll::start(short events) {
  if (inherited()) {
    return;
  }
  RINGHORN_ASSERT(!in_flight());
  driver().start(*this, events);
  driver().turn_due();
}

void Poll::stop() {
  if (!OperationAccess::stopping(*this) && !inherited()) {
    driver().stop(*this);
    driver().turn_due();
  }
}

}  // namespace ringhorn::io
