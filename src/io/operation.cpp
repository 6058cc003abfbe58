// The operations' own functions: they check what their contract requires and leave the rest to the
// driver.

#include <ringhorn/io/operation.hpp>

#include <algorithm>

#include <ringhorn/io/accept.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/io/poll.hpp>
#include <ringhorn/io/receive.hpp>
#include <ringhorn/io/send.hpp>

#include "operation_access.hpp"
#include "send_now.hpp"

namespace ringhorn::io {

bool Operation::inherited() const noexcept {
  return driver_->inherited();
}

/// Asks the driver for something, and has it look at it; in a forked child nothing happens.
template <typename Request>
void Operation::ask(Request request) {
  if (!inherited()) {
    request(*driver_);
    driver_->turn_due();
  }
}

void Accept::start() {
  ask([this](Driver& driver) {
    RINGHORN_ASSERT(!in_flight());
    driver.start(*this);
  });
}

void Accept::stop() {
  if (!OperationAccess::stopping(*this)) {
    ask([this](Driver& driver) { driver.stop(*this); });
  }
}

void Receive::start() {
  if (!wanted_) {
    ask([this](Driver& driver) {
      RINGHORN_ASSERT(!OperationAccess::stopping(*this));
      wanted_ = true;
      driver.start(*this);
    });
  }
}

void Receive::pause() {
  if (wanted_) {
    ask([this](Driver& driver) {
      wanted_ = false;
      driver.pause(*this);
    });
  }
}

void Receive::stop() {
  if (!OperationAccess::stopping(*this)) {
    ask([this](Driver& driver) {
      wanted_ = false;
      driver.stop(*this);
    });
  }
}

void Send::start(std::string_view bytes, Report report) {
  RINGHORN_ASSERT(!bytes.empty() && (!in_flight() || inherited()));
  // sendmsg(2) only reads, but iovec has no const.
  run_ = {const_cast<char*>(bytes.data()), bytes.size()};
  start({&run_, 1}, report);
}

void Send::start(std::span<const iovec> parts, Report report) {
  RINGHORN_ASSERT(!parts.empty() && parts.size() <= parts_max);
  ask([this, parts, report](Driver& driver) {
    RINGHORN_ASSERT(!in_flight());
    message_.msg_iov = const_cast<iovec*>(parts.data());
    message_.msg_iovlen = parts.size();
    report_ = report;
    driver.start(*this);
  });
}

std::size_t Send::offer(std::string_view bytes) noexcept {
  const iovec run{const_cast<char*>(bytes.data()), bytes.size()};
  return offer({&run, 1});
}

std::size_t Send::offer(std::span<const iovec> parts) noexcept {
  RINGHORN_ASSERT(!parts.empty() && parts.size() <= parts_max && !in_flight());
  if (inherited()) {
    return 0;
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  return static_cast<std::size_t>(std::max<ssize_t>(send_now(fd(), message), 0));
}

void Send::stop() {
  if (!OperationAccess::stopping(*this)) {
    ask([this](Driver& driver) {
      RINGHORN_ASSERT(in_flight());
      driver.stop(*this);
    });
  }
}

void Poll::start(short events) {
  ask([this, events](Driver& driver) {
    RINGHORN_ASSERT(!in_flight());
    driver.start(*this, events);
  });
}

void Poll::stop() {
  if (!OperationAccess::stopping(*this)) {
    ask([this](Driver& driver) { driver.stop(*this); });
  }
}

}  // namespace ringhorn::io
