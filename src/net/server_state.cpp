#include "server_state.hpp"

#include <algorithm>
#include <utility>

#include <ringhorn/base/assert.hpp>

#include "stall_watch.hpp"

namespace ringhorn::net {

namespace {

/// What a client that has only just connected, or the last look at an idle one, is given.
constexpr base::Nanoseconds first_bytes_ns = base::ns_per_s / 4;
/// Deadlines of many connections that lie this close together share one expiry of the timer.
constexpr base::Nanoseconds coarse_ns = 5 * base::ns_per_ms;

Timeouts::Durations durations_of(const Settings& settings) {
  Timeouts::Durations durations{};
  const auto set = [&durations](TimeoutKind kind, base::Nanoseconds value) {
    durations[static_cast<std::size_t>(kind)] = value;
  };
  set(TimeoutKind::keep_alive, settings.keep_alive_ns);
  set(TimeoutKind::header, settings.header_ns);
  set(TimeoutKind::body, settings.body_ns);
  set(TimeoutKind::write, (settings.write_ns + StallWatch::parts - 1) / StallWatch::parts);
  set(TimeoutKind::linger, settings.linger_ns);
  set(TimeoutKind::drain, settings.drain_ns);
  set(TimeoutKind::first_bytes, first_bytes_ns);
  set(TimeoutKind::ws_handshake, settings.web_socket.handshake_ns);
  set(TimeoutKind::ws_ping, settings.web_socket.ping_interval_ns);
  set(TimeoutKind::ws_pong, settings.web_socket.ping_timeout_ns);
  set(TimeoutKind::ws_close, settings.web_socket.close_ns);
  return durations;
}

}  // namespace

ServerState::ServerState(io::Driver& driver, Application& application, telemetry::Log& log,
                         const Settings& settings)
    : driver_(&driver),
      application_(&application),
      log_(&log),
      settings_(settings),
      fields_(settings_),
      timeouts_(durations_of(settings)),
      share_(settings_.peers) {
  RINGHORN_ASSERT(settings_.output_low_bytes <= settings_.output_high_bytes);
  RINGHORN_ASSERT(settings_.body_ahead_bytes_max > 0 && settings_.accepts_per_turn_max > 0);
  free_sessions_.reserve(free_sessions_max);
  driver.add_flush_hook(*this);
}

ServerState::~ServerState() {
  RINGHORN_ASSERT(idle());
  driver_->timers().disarm(*this);
}

void ServerState::listen(base::UniqueFd socket, const sock::Address& address, sock::Hold hold) {
  listeners_.push_back(std::make_unique<Listener>(*this, std::move(socket), address, hold));
}

void ServerState::start() {
  share_.join(connection_count_);
  for (const auto& listener : listeners_) {
    listener->start();
  }
}

void ServerState::admit(base::UniqueFd socket, Listener& listener) {
  if (aborting_) {
    return;
  }
  // Behind those that wait already, and never more than a few per turn: a burst of newcomers must
  // not hold up the connections that are being served (lesson 30).
  if (owed_.empty() && started_this_turn_ < settings_.accepts_per_turn_max) {
    start_connection(std::move(socket), listener);
  } else {
    owed_.push_back({std::move(socket), &listener});
    wake_at(now_ns());
  }
}

void ServerState::start_connection(base::UniqueFd socket, Listener& listener) {
  ++started_this_turn_;
  // The list of connections owns it from here on; on_connection_closed takes it back.
  Connection* connection =
      std::make_unique<Connection>(*this, std::move(socket), listener.address()).release();
  connections_.push_back(*connection);
  share_.note(++connection_count_);
  connection->start();
}

void ServerState::start_owed() {
  while (!owed_.empty() && started_this_turn_ < settings_.accepts_per_turn_max) {
    Owed next = std::move(owed_.front());
    owed_.pop_front();
    start_connection(std::move(next.socket), *next.listener);
  }
}

void ServerState::on_connection_closed(Connection& connection) {
  const std::unique_ptr<Connection> owned(&connection);
  connection.count_as(Load::counted);
  share_.note(--connection_count_);
  driver_->close(connection.take_socket());
  finish_drain();
}

Session* ServerState::take_session(Connection& connection) {
  Session* session = nullptr;
  if (free_sessions_.empty()) {
    session = std::make_unique<Session>(*this).release();
  } else {
    session = free_sessions_.back().release();
    free_sessions_.pop_back();
  }
  session->open(connection);
  return session;
}

void ServerState::give_session(Session& session) noexcept {
  // May be called from inside a call on the session: what is too much is destroyed at the flush.
  free_sessions_.push_back(std::unique_ptr<Session>(&session));
}

bool ServerState::over_concurrency() const noexcept {
  const std::size_t limit = settings_.concurrency_max;
  return limit > 0 && (connection_count_ - probe_count_ > limit || exchange_count_ >= limit);
}

void ServerState::on_flush() {
  started_this_turn_ = 0;
  while (Connection* connection = dirty_.pop_front()) {
    connection->flush();
  }
  while (free_sessions_.size() > free_sessions_max) {
    free_sessions_.pop_back();
  }
}

void ServerState::resume_later(Connection& connection) {
  resumed_.push_back(connection);
  wake_at(now_ns());
}

void ServerState::wake_at(base::Nanoseconds deadline_ns) {
  if (deadline_ns != Timeouts::never && (!armed() || deadline_ns < this->deadline_ns())) {
    driver_->timers().arm(*this, deadline_ns);
  }
}

void ServerState::on_expired() {
  resume_all();
  if (!owed_.empty()) {
    start_owed();
  }
  call_listeners();
  timeouts_.expire(now_ns());
  arm_timer();
  if (on_idle_ && idle()) {
    std::exchange(on_idle_, nullptr)();
  }
}

void ServerState::resume_all() {
  // Those that ask again meanwhile wait for the next turn.
  base::IntrusiveList<Connection, ResumeTag> now;
  while (Connection* connection = resumed_.pop_front()) {
    now.push_back(*connection);
  }
  while (Connection* connection = now.pop_front()) {
    connection->resume();
  }
}

void ServerState::call_listeners() {
  for (const auto& listener : listeners_) {
    if (listener->due_ns() <= now_ns()) {
      listener->due();
    }
  }
}

void ServerState::arm_timer() {
  base::Nanoseconds next = timeouts_.next_deadline_ns();
  if (next != Timeouts::never) {
    next = std::max(next, now_ns() + coarse_ns);
  }
  for (const auto& listener : listeners_) {
    next = std::min(next, listener->due_ns());
  }
  wake_at(!owed_.empty() || !resumed_.empty() ? now_ns() : next);
}

void ServerState::drain(const Drain& drain, std::function<void()> on_idle) {
  RINGHORN_ASSERT(!draining_);
  draining_ = leaving_ = true;
  share_.leave();
  drain_ = drain;
  timeouts_.set_duration(TimeoutKind::parting, drain.idle_ns);
  on_idle_ = std::move(on_idle);
  for (const auto& listener : listeners_) {
    listener->stop(drain_);
  }
  for (Connection* each = connections_.front(); each != nullptr; each = connections_.after(*each)) {
    each->drain();
  }
  finish_drain();
}

void ServerState::hurry() {
  RINGHORN_ASSERT(draining_);
  for (Connection* each = connections_.front(); each != nullptr; each = connections_.after(*each)) {
    each->hurry();
  }
}

void ServerState::abort_all() {
  aborting_ = true;
  share_.leave();
  owed_.clear();
  for (const auto& listener : listeners_) {
    listener->stop(drain_);
  }
  // A lost connection stays on the list until its operations have ended.
  for (Connection* each = connections_.front(); each != nullptr; each = connections_.after(*each)) {
    each->lose(Farewell::reset);
  }
  finish_drain();
}

void ServerState::on_listener_stopped() {
  finish_drain();
}

void ServerState::finish_drain() {
  if (on_idle_ && idle()) {
    wake_at(now_ns());
  }
}

void ServerState::drop_copies() noexcept {
  RINGHORN_ASSERT(driver_->inherited());
  for (Connection* each = connections_.front(); each != nullptr; each = connections_.after(*each)) {
    each->take_socket().reset();
  }
  for (const std::unique_ptr<Listener>& listener : listeners_) {
    listener->drop_copy();
  }
  owed_.clear();
}

bool ServerState::idle() noexcept {
  return connection_count_ == 0 && owed_.empty() &&
         std::all_of(listeners_.begin(), listeners_.end(),
                     [](const auto& listener) { return listener->stopped(); });
}

}  // namespace ringhorn::net
