#include "connection.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <utility>

#include <ringhorn/base/assert.hpp>

#include "server_state.hpp"
#include "session.hpp"
#include "web_socket_session.hpp"

namespace ringhorn::net {

Connection::Connection(ServerState& server, base::UniqueFd socket, const sock::Address& local)
    : server_(&server),
      socket_(std::move(socket)),
      output_(server.output_pool()),
      send_(server.driver(), socket_.value(), *this),
      write_timeout_(*this),
      read_timeout_(*this),
      receive_(server.driver(), socket_.value(), *this),
      watch_(server.driver(), socket_.value(), *this),
      local_(&local) {}

Connection::~Connection() {
  RINGHORN_ASSERT(session_ == nullptr);
  server_->sections().leave(sender_);
}

void Connection::start() {
  receive_.start();
  arm(server_->draining() ? TimeoutKind::first_bytes : TimeoutKind::header);
}

void Connection::on_received(std::span<char> bytes) {
  spoken_ = true;
  if (stage_ != Stage::open) {
    discard(bytes.size());
    return;
  }
  guarded([this, bytes] {
    if (session_ == nullptr) {
      session_ = server_->take_session(*this);
    }
    session_->on_bytes(bytes);
  });
}

void Connection::discard(std::size_t count) {
  discarded_bytes_ += count;
  if (stage_ == Stage::finishing && farewell_ == Farewell::close) {
    farewell_ = Farewell::linger;  // it is still talking
  }
  if (stage_ != Stage::closing && discarded_bytes_ > server_->settings().linger_bytes_max) {
    cut(Farewell::close);
  }
}

void Connection::on_receive_end() {
  peer_finished_ = true;
  on_end_seen();
}

void Connection::on_end_seen() {
  receive_ended_ = true;
  if (stage_ == Stage::lingering) {
    begin_close();
  } else if (stage_ == Stage::open && session_ != nullptr) {
    guarded([this] { session_->on_peer_finished(); });
  } else if (stage_ == Stage::open) {
    finish(Farewell::close);
  }
}

void Connection::on_receive_error(int) {
  receive_ended_ = true;
  lose(Farewell::close);
}

void Connection::pause_reading() {
  if (!paused_ && !receive_ended_) {
    paused_ = true;
    receive_.pause();
    watch_peer();
  }
}

void Connection::resume_reading() {
  if (paused_ && !receive_ended_ && stage_ != Stage::closing) {
    paused_ = false;
    receive_.start();
  }
}

void Connection::watch_peer() {
  if (!watch_.in_flight() && stage_ != Stage::closing) {
    // POLLPRI stands for "nothing but POLLERR and POLLHUP": after a FIN, POLLRDHUP would be
    // reported at once and for ever.
    watch_.start(peer_finished_ ? POLLPRI : POLLRDHUP);
  }
}

void Connection::on_ready(short events) {
  if (stage_ == Stage::closing) {
    return;
  }
  if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    lose(Farewell::close);
  } else if (paused_ && (events & POLLRDHUP) != 0 && !peer_finished_) {
    // A FIN behind bytes that we do not read yet. If they cannot be the rest of the body, the
    // client has left in the middle of it (robustness 40).
    if (!body_can_complete()) {
      lose(Farewell::close);
      return;
    }
    peer_finished_ = true;
    watch_peer();
  }
}

bool Connection::body_can_complete() const {
  const std::optional<std::uint64_t> waiting = bytes_waiting();
  return session_ == nullptr || !waiting || session_->body_bytes_missing() <= *waiting;
}

std::optional<std::uint64_t> Connection::bytes_waiting() const {
  int waiting = 0;
  if (::ioctl(socket_.value(), FIONREAD, &waiting) != 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(waiting);
}

void Connection::want_resume() {
  if (!base::ListNode<ResumeTag>::linked() && stage_ == Stage::open) {
    server_->resume_later(*this);
  }
}

void Connection::resume() {
  if (stage_ != Stage::open) {
    return;
  }
  if (session_ != nullptr) {
    guarded([this] { session_->resume(); });
  } else if (retiring_) {
    look_once_more();
  }
}

void Connection::on_session_done() {
  session_ = nullptr;
  if (stage_ == Stage::open) {
    base::ListNode<ResumeTag>::unlink();
    resume_reading();
    if (output_.empty() && !send_.in_flight()) {
      idle();
    }
  }
}

WebSocket& Connection::open_web_socket(WebSocketHandler& handler,
                                       const ws::DeflateAgreement& deflate) {
  RINGHORN_ASSERT(web_socket_ == nullptr && stage_ == Stage::open);
  web_socket_ = std::make_unique<WebSocketSession>(*server_, *this, handler, deflate);
  return web_socket_->face();
}

void Connection::begin_web_socket(base::ByteBuffer held) {
  session_ = web_socket_.get();
  web_socket_->begin(std::move(held));
}

void Connection::arm(TimeoutKind kind) {
  server_->arm(read_timeout_, kind);
}

void Connection::on_timeout(TimeoutKind kind) {
  switch (kind) {
    case TimeoutKind::write:
      stall_.stalled(socket_.value()) ? lose(Farewell::reset)
                                      : server_->arm(write_timeout_, TimeoutKind::write);
      break;
    case TimeoutKind::keep_alive:
    case TimeoutKind::parting:
      retire();
      break;
    case TimeoutKind::linger:
      begin_close();
      break;
    case TimeoutKind::first_bytes:
      retiring_ ? cut(Farewell::close) : retire();
      break;
    case TimeoutKind::header:
    case TimeoutKind::body:
    case TimeoutKind::drain:
    case TimeoutKind::ws_handshake:
    case TimeoutKind::ws_ping:
    case TimeoutKind::ws_pong:
    case TimeoutKind::ws_close:
      if (stage_ == Stage::lingering) {
        begin_close();
      } else {
        session_ != nullptr ? guarded([this, kind] { session_->on_timeout(kind); }) : retire();
      }
      break;
  }
}

void Connection::finish(Farewell farewell) {
  if (stage_ != Stage::open) {
    return;
  }
  stage_ = Stage::finishing;
  farewell_ = farewell;
  disarm();
  if (farewell != Farewell::close) {
    resume_reading();
  }
  if (output_.empty() && !send_.in_flight()) {
    end_output();
  } else {
    want_flush();
  }
}

void Connection::end_output() {
  const bool waits = farewell_ == Farewell::linger || farewell_ == Farewell::brief;
  if (!waits || receive_ended_) {
    cut(farewell_);
    return;
  }
  stage_ = Stage::lingering;
  ::shutdown(socket_.value(), SHUT_WR);
  const bool brief = farewell_ == Farewell::brief || server_->draining();
  arm(brief ? TimeoutKind::drain : TimeoutKind::linger);
}

void Connection::lose(Farewell farewell) {
  if (stage_ == Stage::closing) {
    return;
  }
  cut(farewell);
  if (session_ != nullptr) {
    session_->on_lost();
  }
}

void Connection::cut(Farewell farewell) {
  if (stage_ == Stage::closing) {
    return;
  }
  if (farewell == Farewell::reset) {
    const linger at_once{1, 0};
    ::setsockopt(socket_.value(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  begin_close();
}

void Connection::begin_close() {
  RINGHORN_ASSERT(stage_ != Stage::closing);
  stage_ = Stage::closing;
  read_timeout_.disarm();
  write_timeout_.disarm();
  base::ListNode<DirtyTag>::unlink();
  base::ListNode<ResumeTag>::unlink();
  operations_left_ = 1;
  receive_.stop();
  if (send_.in_flight()) {
    ++operations_left_;
    send_.stop();
  } else {
    output_.clear();
  }
  if (watch_.in_flight()) {
    ++operations_left_;
    watch_.stop();
  }
}

void Connection::on_receive_stopped() {
  on_operation_ended();
}

void Connection::on_poll_stopped() {
  on_operation_ended();
}

void Connection::on_operation_ended() {
  RINGHORN_ASSERT(stage_ == Stage::closing && operations_left_ > 0);
  if (--operations_left_ == 0) {
    server_->on_connection_closed(*this);
  }
}

}  // namespace ringhorn::net
