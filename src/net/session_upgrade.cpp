// The way from a request to a WebSocket: its handshake, its answer, the hand-over.
#include <new>
#include <string>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/telemetry/log.hpp>

#include "connection.hpp"
#include "refusal.hpp"
#include "server_state.hpp"
#include "session.hpp"

namespace ringhorn::net {

bool Session::wants_web_socket(const http::RequestHead& head) const noexcept {
  return head.wants_upgrade && server_->settings().web_socket.enabled &&
         ws::Handshake::is_wanted(head.upgrade);
}

bool Session::open_web_socket(const http::RequestHead& head) {
  const bool has_body = head.framing == http::Framing::chunked ||
                        (head.framing == http::Framing::content_length && head.content_length > 0);
  ws::Handshake handshake({.method = head.method,
                           .has_body = has_body,
                           .deflate = server_->settings().web_socket.deflate});
  for (const http::HeaderField& field : head.fields) {
    handshake.add_field(field.name, field.value);
  }
  // Whatever is answered but 101, the client has no use for the connection after it.
  keep_alive_ = false;
  const ws::Handshake::Verdict verdict = handshake.check();
  if (!verdict.accepted()) {
    server_->log().warning("Invalid WebSocket handshake received. (" +
                           telemetry::escaped(connection_->client_text()) + ": " + verdict.reason +
                           ")");
    refuse(verdict.status);
    return false;
  }
  upgrade_ = std::make_unique<Upgrade>(handshake);
  log_method_.clear();
  log_target_ = head.target;
  if (server_->draining()) {
    log_access(503);
    refuse(503);
    return false;
  }
  connection_->arm(TimeoutKind::ws_handshake);
  call_application(&handshake);
  return true;
}

void Session::begin_upgrade() {
  RINGHORN_ASSERT(active_ && upgrade_ != nullptr);
  http::ResponseContext context;
  context.upgrade = true;
  response_.begin(101, context, Trailers::none, server_->now_ns());
  response_.add_field("upgrade", "websocket");
  response_.add_field("connection", "Upgrade");
  response_.add_field("sec-websocket-accept",
                      {upgrade_->accept_value.data(), upgrade_->accept_value.size()});
  if (!upgrade_->extension_answer.empty()) {
    response_.add_field("sec-websocket-extensions", upgrade_->extension_answer);
  }
}

WebSocket* Session::upgrade(WebSocketHandler& handler) {
  RINGHORN_ASSERT(active_ && upgrade_ != nullptr && response_.begun() && !response_.head_sent());
  try {
    WebSocket& socket = connection_->open_web_socket(handler, upgrade_->deflate);
    response_.send(connection_->output(), std::string_view(), true);
    connection_->want_flush();
    log_web_socket("[accepted]");
    server_->log().info("connection open");
    detach();
    phase_ = Phase::upgraded;
    if (!running_) {
      hand_over();
    }
    return &socket;
  } catch (const std::bad_alloc&) {
    out_of_memory_ = true;
    connection_->want_resume();
    return nullptr;
  }
}

/// The connection goes on with the WebSocket, which gets what was received behind the handshake.
void Session::hand_over() {
  RINGHORN_ASSERT(!running_ && phase_ == Phase::upgraded);
  Connection& connection = *connection_;
  connection.begin_web_socket(std::move(held_));
  close();
  server_->give_session(*this);
}

void Session::on_drain() {
  // A response under way says `connection: close`; a handshake may wait for long.
  give_up_handshake();
}

/// A stream that never ends, a poll that waits for its client to leave: receive() says that the
/// client has left, and what the application still sends is sent.
void Session::on_hurry() {
  if (active_ && upgrade_ == nullptr && !hurried_) {
    hurried_ = true;
    if (!(body_.ended() && connection_->peer_finished())) {
      handler_->on_peer_finished();
    }
  }
}

void Session::give_up_handshake() {
  if (upgrade_ != nullptr && active_ && !response_.head_sent()) {
    disconnect();
    log_access(503);
    refuse(503);
  }
}

void Session::log_web_socket(std::string_view outcome) {
  if (server_->log().enabled(telemetry::Level::info)) {
    std::string line(connection_->client_text());
    line += " - \"WebSocket ";
    line += telemetry::escaped(log_target_);
    line += "\" ";
    line += outcome;
    server_->log().info(line);
  }
}

}  // namespace ringhorn::net
