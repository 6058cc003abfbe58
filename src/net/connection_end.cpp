// How an idle connection ends, and what the server's end means to one.
#include <ringhorn/base/assert.hpp>

#include "connection.hpp"
#include "server_state.hpp"

namespace ringhorn::net {

void Connection::idle() {
  RINGHORN_ASSERT(stage_ == Stage::open && session_ == nullptr);
  if (receive_ended_) {
    finish(Farewell::close);
  } else if (server_->draining()) {
    part();
  } else if (!armed_for(TimeoutKind::keep_alive)) {
    arm(TimeoutKind::keep_alive);
  }
}

void Connection::drain() {
  if (stage_ == Stage::open && session_ != nullptr) {
    guarded([this] { session_->on_drain(); });
    return;
  }
  if (stage_ == Stage::lingering) {
    arm(TimeoutKind::drain);  // a client that was refused and may still send: a second is enough
    return;
  }
  if (stage_ != Stage::open || !output_.empty() || send_.in_flight()) {
    return;
  }
  if (spoken_) {
    part();
  } else {
    // Its first request may be on the way: the client has only just connected (robustness 85).
    arm(TimeoutKind::first_bytes);
  }
}

void Connection::hurry() {
  if (stage_ == Stage::open && session_ != nullptr) {
    guarded([this] { session_->on_hurry(); });
  }
}

/// A request that the client sends before it sees our end is one that it must send again, and not
/// every client does: it gets a little time to be sent, and its answer says `connection: close`.
void Connection::part() {
  server_->idle_ns() > 0 ? arm(TimeoutKind::parting) : retire();
}

/// A last look (robustness 87): a request that has come by now is served, and its body may still be
/// on the way, so the read side stays open.
void Connection::retire() {
  retiring_ = true;
  paused_ = true;
  receive_.pause();
  arm(TimeoutKind::first_bytes);
  want_resume();
}

void Connection::look_once_more() {
  if (receive_.in_flight()) {
    want_resume();  // what the kernel has handed over is not dispatched yet
  } else if (bytes_waiting().value_or(0) > 0) {
    resume_reading();
  } else {
    cut(Farewell::close);
  }
}

}  // namespace ringhorn::net
