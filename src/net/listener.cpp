#include "listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include <ringhorn/base/assert.hpp>

#include "server_state.hpp"

namespace ringhorn::net {

namespace {

constexpr base::Nanoseconds pause_ns = base::ns_per_s / 10;

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

Listener::Listener(ServerState& server, base::UniqueFd socket, const sock::Address& address)
    : server_(&server),
      socket_(std::move(socket)),
      address_(address),
      accept_(server.driver(), socket_.value(), *this),
      retry_ns_(Timeouts::never) {
  if (address_.family != sock::Address::Family::unix_path) {
    set_vanished_peer_options(socket_.value(), server.settings().write_ns);
  }
}

void Listener::start() {
  RINGHORN_ASSERT(state_ == State::idle);
  state_ = State::accepting;
  accept_.start();
}

void Listener::stop() {
  if (state_ != State::stopping && state_ != State::stopped) {
    state_ = State::stopping;
    retry_ns_ = Timeouts::never;
    accept_.stop();
  }
}

void Listener::retry() {
  RINGHORN_ASSERT(state_ == State::paused);
  retry_ns_ = Timeouts::never;
  state_ = State::accepting;
  accept_.start();
}

void Listener::on_accepted(base::UniqueFd socket) {
  server_->admit(std::move(socket), *this);
}

void Listener::on_accept_error(int error) {
  if (state_ != State::accepting) {
    return;
  }
  state_ = State::paused;
  retry_ns_ = server_->now_ns() + pause_ns;
  server_->wake_at(retry_ns_);
  if (server_->accept_error_lines().allow(server_->now_ns())) {
    server_->log().error("Cannot accept connections: " + std::generic_category().message(error) +
                         ". Trying again until it works.");
  }
}

void Listener::on_accept_stopped() {
  // Bounded, since other workers' clients may keep a shared queue filled for ever.
  for (int count = 0; count < 4096 && !server_->aborting(); ++count) {
    base::UniqueFd socket(
        ::accept4(socket_.value(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      break;
    }
    server_->admit(std::move(socket), *this);
  }
  state_ = State::stopped;
  server_->driver().close(std::move(socket_));
  server_->on_listener_stopped();
}

}  // namespace ringhorn::net
