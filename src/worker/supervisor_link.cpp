#include "supervisor_link.hpp"

#include <poll.h>

#include <utility>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::worker {

SupervisorLink::SupervisorLink(io::Driver& driver, const Supervision& supervision,
                               base::Nanoseconds interval_ns, Listener listener)
    : driver_(driver),
      supervision_(supervision),
      interval_ns_(interval_ns),
      listener_(std::move(listener)),
      poll_(driver, supervision.channel.fd(), *this) {
  RINGHORN_ASSERT(interval_ns > 0);
}

SupervisorLink::~SupervisorLink() {
  RINGHORN_ASSERT(closed());
  driver_.timers().disarm(*this);
}

void SupervisorLink::start() {
  watching_ = true;
  poll_.start(POLLIN);
  beat();
}

void SupervisorLink::say(sock::Word word, std::string_view text) const {
  supervision_.channel.say(word, text);
}

void SupervisorLink::close() {
  if (watching_ && !closing_) {
    closing_ = true;
    driver_.timers().disarm(*this);
    poll_.stop();
  }
}

void SupervisorLink::on_ready(short) {
  sock::Message message{};
  sock::Channel::State state = sock::Channel::State::message;
  while ((state = supervision_.channel.hear(message)) == sock::Channel::State::message) {
    listener_.on_word(message.word);
  }
  if (closing_) {
    return;
  }
  if (state == sock::Channel::State::end) {
    watching_ = false;
    driver_.timers().disarm(*this);
    listener_.on_lost();
    return;
  }
  poll_.start(POLLIN);
}

void SupervisorLink::on_poll_stopped() {
  watching_ = false;
}

void SupervisorLink::on_expired() {
  beat();
  listener_.on_beat();
}

void SupervisorLink::beat() {
  const base::Nanoseconds now_ns = base::monotonic_ns();
  supervision_.entry->heartbeat_ns.store(now_ns, std::memory_order_relaxed);
  driver_.timers().arm(*this, now_ns + interval_ns_);
}

}  // namespace ringhorn::worker
