#include "listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <ringhorn/base/assert.hpp>

#include "server_state.hpp"

namespace ringhorn::net {

namespace {

constexpr base::Nanoseconds pause_ns = base::ns_per_s / 10;
/// How long a handshake that is under way may take to end.
constexpr base::Nanoseconds handshake_ns = base::ns_per_s / 4;
/// So long may a lack of descriptors last before those who wait are refused: requests end, and
/// other workers may accept.
constexpr base::Nanoseconds patience_ns = base::ns_per_s;
constexpr int refusals_per_retry_max = 256;

bool lacks_descriptors(int error) {
  return error == EMFILE || error == ENFILE;
}

/// Accepted sockets inherit these from the listening one (Linux), so that they cost no call each.
/// A peer that vanished from a quiet connection is found after about a minute (lesson 34), and one
/// that vanished with data in flight no later than the write timeout.
void set_vanished_peer_options(int fd, base::Nanoseconds write_ns) {
  const int on = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0) {
    return;
  }
  const int interval_s = 15;
  const int probes = 3;
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &interval_s, sizeof interval_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  if (write_ns > 0) {
    // Never shorter than the probes above need, which this option would cut.
    const auto user_ms = static_cast<unsigned>(
        std::clamp<base::Nanoseconds>(write_ns / base::ns_per_ms, 60'000, 3'600'000));
    ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof user_ms);
  }
}

}  // namespace

Listener::Listener(ServerState& server, base::UniqueFd socket, const sock::Address& address,
                   sock::Hold hold)
    : server_(&server),
      socket_(std::move(socket)),
      address_(address),
      hold_(hold),
      accept_(server.driver(), socket_.value(), *this),
      poll_(server.driver(), socket_.value(), *this),
      due_ns_(Timeouts::never) {
  if (address_.family != sock::Address::Family::unix_path) {
    set_vanished_peer_options(socket_.value(), server.settings().write_ns);
  }
}

void Listener::start() {
  RINGHORN_ASSERT(state_ == State::idle);
  state_ = State::accepting;
  watch();
}

void Listener::watch() {
  if (server_->settings().sharing == Sharing::alone) {
    accept_.start();
  } else {
    poll_.start(POLLIN);
  }
}

void Listener::stop(const Drain& drain) {
  if (state_ == State::stopping || state_ == State::stopped) {
    return;
  }
  const bool first = state_ != State::sealed;
  takes_queue_ = drain.takes_queue && !server_->aborting();
  const bool seals = drain.seals && takes_queue_ && hold_ == sock::Hold::ours;
  if (first && seals && sock::seal(socket_.value(), address_) && !address_.is_local()) {
    // A client that is far away may have to say one thing more before it is in the queue.
    state_ = State::sealed;
    due_ns_ = server_->now_ns() + handshake_ns;
    server_->wake_at(due_ns_);
    return;
  }
  stop_watching();
}

void Listener::stop_watching() {
  state_ = State::stopping;
  due_ns_ = Timeouts::never;
  if (server_->settings().sharing == Sharing::alone) {
    accept_.stop();
  } else {
    poll_.stop();
  }
}

void Listener::due() {
  RINGHORN_ASSERT(state_ == State::paused || state_ == State::sealed);
  if (state_ == State::sealed) {
    stop_watching();
    return;
  }
  due_ns_ = Timeouts::never;
  state_ = State::accepting;
  server_->accepts(true);
  watch();
}

void Listener::on_accepted(base::UniqueFd socket) {
  failed_ns_ = long_ago_ns;
  server_->admit(std::move(socket), *this);
}

void Listener::on_ready(short) {
  if (state_ != State::accepting && state_ != State::sealed) {
    return;
  }
  if (state_ == State::accepting && server_->yields()) {
    pause(FairShare::yield_ns);
    return;
  }
  take_one();
  if (state_ == State::accepting || state_ == State::sealed) {
    poll_.start(POLLIN);
  }
}

bool Listener::take_one() {
  base::UniqueFd socket(::accept4(socket_.value(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket) {
    on_accepted(std::move(socket));
    return true;
  }
  if (const int error = errno; !io::concerns_one_connection(error)) {
    on_accept_error(error);
  }
  return false;
}

void Listener::pause(base::Nanoseconds duration_ns) {
  state_ = State::paused;
  due_ns_ = server_->now_ns() + duration_ns;
  server_->wake_at(due_ns_);
}

void Listener::on_accept_error(int error) {
  if (state_ != State::accepting) {
    return;
  }
  const base::Nanoseconds now_ns = server_->now_ns();
  pause(pause_ns);
  server_->accepts(false);
  if (now_ns - failed_ns_ > patience_ns) {
    failing_since_ns_ = now_ns;
  }
  failed_ns_ = now_ns;
  if (lacks_descriptors(error) && now_ns - failing_since_ns_ >= patience_ns) {
    server_->reserve().shed(socket_.value(), refusals_per_retry_max);
  }
  if (server_->accept_error_lines().allow(now_ns)) {
    server_->log().error("Cannot accept connections: " + std::generic_category().message(error) +
                         ". Trying again until it works" +
                         (lacks_descriptors(error) ? "; who waits for a second gets 503." : "."));
  }
}

void Listener::on_accept_stopped() {
  // Bounded, since other workers' clients may keep a shared queue filled for ever.
  for (int count = 0; takes_queue_ && count < 4096 && !server_->aborting(); ++count) {
    if (!take_one()) {
      break;
    }
  }
  state_ = State::stopped;
  server_->driver().close(std::move(socket_));
  server_->on_listener_stopped();
}

void Listener::on_poll_stopped() {
  on_accept_stopped();
}

}  // namespace ringhorn::net
