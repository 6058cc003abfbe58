// When the output of a Connection leaves, by which way, and what follows.
#include "connection.hpp"
#include "protocol.hpp"
#include "server_state.hpp"

namespace ringhorn::net {

namespace {

/// A complete response from this size on leaves before the turn's others: together they would leave
/// the caches.
constexpr std::size_t leaves_first_bytes_min = 65536;
/// What is larger fits neither the caches nor the socket.
constexpr std::size_t offered_bytes_max = 262144;

}  // namespace

void Connection::want_flush() {
  if (!base::ListNode<DirtyTag>::linked() && !send_.in_flight() && stage_ != Stage::closing) {
    server_->flush_later(*this);
  }
}

void Connection::offer_output() {
  const std::size_t size = output_.size();
  if (size >= leaves_first_bytes_min && size <= offered_bytes_max && stage_ == Stage::open &&
      !send_.in_flight()) {
    output_.offer(send_);
  }
}

void Connection::flush() {
  if (stage_ == Stage::closing || send_.in_flight() || !output_.wants_send()) {
    return;
  }
  if (output_.untouched() && !somebody_waits() && send_without_waiting()) {
    // It needs no timeout, and its end may be told late: the time until the next request counts
    // from here.
    if (session_ == nullptr) {
      idle();
    }
    return;
  }
  if (armed_for(TimeoutKind::keep_alive)) {
    disarm();  // what was sent in passing fell short
  }
  output_.start(send_, io::Report::promptly);
  stall_.restart();
  server_->arm(write_timeout_, TimeoutKind::write);
}

/// False when there was no room for all of it.
bool Connection::send_without_waiting() {
  if (output_.is_small()) {
    output_.start(send_, io::Report::in_passing);
    return true;
  }
  if (output_.size() >= leaves_first_bytes_min) {
    return false;
  }
  output_.offer(send_);
  if (!output_.empty()) {
    return false;
  }
  write_timeout_.disarm();
  return true;
}

bool Connection::somebody_waits() const noexcept {
  return stage_ != Stage::open || receive_ended_ || server_->draining() ||
         (session_ != nullptr && output_.size() > server_->settings().output_low_bytes);
}

void Connection::on_sent(std::size_t count) {
  output_.on_sent(count);
  if (stage_ == Stage::closing) {
    output_.clear();
    on_operation_ended();
    return;
  }
  if (output_.empty()) {
    write_timeout_.disarm();
  } else {
    want_flush();
  }
  if (session_ != nullptr && output_.size() <= server_->settings().output_low_bytes) {
    guarded([this] { session_->on_output_low(); });
  }
  if (stage_ != Stage::closing && output_.empty()) {
    on_output_empty();
  }
}

void Connection::on_send_error(int) {
  if (stage_ == Stage::closing) {
    output_.clear();
    on_operation_ended();
    return;
  }
  lose(Farewell::close);
}

void Connection::on_output_empty() {
  output_.drop_unsent();
  if (stage_ == Stage::finishing) {
    end_output();
  } else if (stage_ == Stage::open && session_ == nullptr) {
    idle();
  }
}

}  // namespace ringhorn::net
