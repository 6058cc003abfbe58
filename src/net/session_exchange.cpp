// The side of Session that the application calls, and the ends of an exchange.
#include <new>
#include <utility>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/telemetry/log.hpp>

#include "connection.hpp"
#include "refusal.hpp"
#include "server_state.hpp"
#include "session.hpp"

namespace ringhorn::net {

const http::RequestHead& Session::head() const noexcept {
  RINGHORN_ASSERT(in_request_call_);
  return parser_.head();
}

void Session::attach(RequestHandler& handler) noexcept {
  RINGHORN_ASSERT(in_request_call_ && active_ && handler_ == nullptr);
  handler_ = &handler;
}

bool Session::peer_finished() const noexcept {
  return connection_->peer_finished();
}

std::uint64_t Session::body_bytes_missing() const noexcept {
  const std::uint64_t left = phase_ == Phase::body ? body_.left() : 0;
  return left > held_.size() ? left - held_.size() : 0;
}

RequestBody::Taken Session::take_body() {
  RINGHORN_ASSERT(active_);
  const RequestBody::Taken taken = body_.take();
  if (!running_ && phase_ == Phase::body && (!held_.empty() || connection_->reading_paused())) {
    connection_->want_resume();
  }
  return taken;
}

void Session::await_body() {
  RINGHORN_ASSERT(active_ && !body_.ready());
  if (body_.ended()) {
    return;
  }
  awaiting_body_ = true;
  body_wait_begin_ns_ = server_->now_ns();
  // RFC 9110 §10.1.1: not after body bytes have come, nor once the final response is on its way. An
  // application may have begun it, while its head is still held for the first piece of body.
  if (expects_continue_ && !body_.begun() && !response_.head_sent()) {
    expects_continue_ = false;
    connection_->output().tail().append("HTTP/1.1 100 Continue\r\n\r\n");
    connection_->want_flush();
  }
  connection_->arm(TimeoutKind::body);
}

void Session::begin_response(int status, Trailers trailers) {
  RINGHORN_ASSERT(active_);
  http::ResponseContext context = response_context();
  context.trailers = trailers == Trailers::announced && accepts_trailers_;
  response_.begin(status, context, trailers, server_->now_ns());
}

http::ResponseContext Session::response_context() const noexcept {
  http::ResponseContext context;
  context.version = version_;
  context.head_only = head_only_;
  context.keep_alive = keep_alive_;
  return context;
}

http::FieldError Session::add_field(std::string_view name, std::string_view value) {
  RINGHORN_ASSERT(active_ && response_.begun() && !response_.head_sent());
  return response_.add_field(name, value);
}

SendResult Session::send_body(std::string_view bytes, bool last) {
  return send_piece(bytes, bytes.size(), last);
}

SendResult Session::send_body(base::OwnedSlice bytes, bool last) {
  const std::size_t size = bytes.bytes().size();
  return send_piece(std::move(bytes), size, last);
}

template <typename Bytes>
SendResult Session::send_piece(Bytes bytes, std::size_t size, bool last) {
  RINGHORN_ASSERT(active_ && response_.begun());
  try {
    const bool first = !response_.head_sent();
    if (first && must_close(last)) {
      response_.forbid_keep_alive();
    }
    const Response::Fit fit = response_.send(connection_->output(), std::move(bytes), last);
    connection_->want_flush();
    if (first) {
      log_access(response_.status());
    }
    return after_piece(fit, size, last);
  } catch (const std::bad_alloc&) {
    // The application is told by on_disconnect, from the next dispatch.
    out_of_memory_ = true;
    connection_->want_resume();
    return SendResult::wait;
  }
}

SendResult Session::after_piece(Response::Fit fit, std::size_t size, bool last) {
  length_broken_ = length_broken_ || fit != Response::Fit::exact;
  if (last && !response_.awaits_trailers()) {
    complete();
  } else if (fit == Response::Fit::exact) {
    return swallowed(size) || connection_->output().size() > server_->settings().output_high_bytes
               ? wait_for_output()
               : SendResult::done;
  }
  switch (fit) {
    case Response::Fit::too_long:
      return SendResult::too_long;
    case Response::Fit::too_short:
      return SendResult::too_short;
    case Response::Fit::exact:
      break;
  }
  return SendResult::done;
}

SendResult Session::wait_for_output() noexcept {
  producer_waits_ = true;
  return SendResult::wait;
}

/// A response to HEAD has no body: an application that streams one all the same is let run for a
/// little, and an endless stream is not run (lesson 19). True when it has gone too far.
bool Session::swallowed(std::size_t size) {
  if (response_.body_allowed() || response_.body_ended()) {
    return false;
  }
  dropped_bytes_ += size;
  if (body_.ended() && !connection_->armed_for(TimeoutKind::drain)) {
    connection_->arm(TimeoutKind::drain);
  }
  if (dropped_bytes_ <= server_->settings().output_high_bytes) {
    return false;
  }
  cut_short_ = true;
  connection_->want_resume();
  return true;
}

void Session::send_trailers(std::string_view field_lines) {
  RINGHORN_ASSERT(active_ && response_.awaits_trailers());
  response_.send_trailers(connection_->output(), field_lines);
  connection_->want_flush();
  complete();
}

bool Session::has_more() const noexcept {
  return running_ ? !unread_.empty() : !held_.empty();
}

bool Session::must_close(bool last) const noexcept {
  if (expects_continue_ && !body_.begun() && !body_.ended()) {
    return true;  // whether the client sends its body now cannot be told (RFC 9110 §10.1.1)
  }
  if (last && body_.left() > server_->settings().drain_bytes_max + held_.size()) {
    return true;
  }
  // Requests that have come are answered, also while the server drains (robustness 85).
  return (server_->leaving() || connection_->retiring()) && !(body_.ended() && has_more());
}

void Session::note_access(const http::RequestHead& head) {
  log_method_.clear();
  if (server_->settings().access_log && server_->log().enabled(telemetry::Level::info)) {
    log_method_ = head.method;
    log_target_ = head.target;
  }
}

void Session::log_access(int status) {
  if (upgrade_ != nullptr) {
    log_web_socket(std::to_string(status));
  } else if (!log_method_.empty()) {
    server_->log().access({connection_->client_text(), log_method_, log_target_,
                           version_ == http::Version::http_1_1 ? "1.1" : "1.0", status});
  }
}

RequestHandler* Session::detach() noexcept {
  if (active_) {
    active_ = awaiting_body_ = producer_waits_ = cut_short_ = false;
    server_->exchange_ended();
  }
  return std::exchange(handler_, nullptr);
}

void Session::disconnect() {
  if (RequestHandler* handler = detach(); handler != nullptr) {
    handler->on_disconnect();
  }
}

void Session::complete() {
  detach();
  connection_->offer_output();
  server_->response_finished();
  go_on();
}

void Session::go_on() {
  connection_->disarm();
  if (length_broken_ || !response_.keep_alive()) {
    leave();
    return;
  }
  const bool body_ended = body_.ended();
  dropped_bytes_ = body_.held();
  body_.close();
  phase_ = body_ended ? Phase::head : Phase::drain;
  if (!body_ended) {
    connection_->arm(TimeoutKind::drain);
  }
  if (running_) {
    return;
  }
  if (body_ended && held_.empty() && !connection_->input_ended()) {
    release();
  } else {
    connection_->want_resume();
  }
}

void Session::cut_short() {
  RequestHandler* handler = std::exchange(handler_, nullptr);
  complete();
  if (handler != nullptr) {
    handler->on_disconnect();
  }
}

void Session::fail() {
  RINGHORN_ASSERT(active_);
  detach();
  if (response_.head_sent()) {
    cut();
    return;
  }
  server_->response_finished();
  log_access(500);
  refuse(500);
}

void Session::abort() {
  RINGHORN_ASSERT(active_);
  detach();
  phase_ = Phase::over;
  connection_->cut(Farewell::reset);
  if (!running_) {
    release();
  }
}

/// Ends a response that is under way so that the client sees that it is not whole.
void Session::cut() {
  const bool needs_reset = response_.framing() == http::Framing::until_close;
  needs_reset ? leave(Farewell::reset) : leave();
}

void Session::on_timeout(TimeoutKind kind) {
  if (kind == TimeoutKind::drain) {
    active_ ? cut_short() : leave();
    return;
  }
  if (kind == TimeoutKind::ws_handshake) {
    give_up_handshake();
    return;
  }
  disconnect();
  response_.head_sent() && kind == TimeoutKind::body ? cut() : refuse(408);
}

void Session::refuse_bad_request() {
  const http::RequestError& error = parser_.error();
  server_->log().warning("Invalid HTTP request received. (" +
                         telemetry::escaped(connection_->client_text()) + ": " + error.reason +
                         ")");
  refuse(error.status);
}

void Session::refuse(int status) {
  RINGHORN_ASSERT(!active_);
  std::string fields(server_->fields().view(server_->now_ns()));
  std::string_view connection = "close";
  if (status == 426) {
    // RFC 6455 §4.4, RFC 9110 §15.5.22
    fields += "upgrade: websocket\r\nsec-websocket-version: 13\r\n";
    connection = "close, Upgrade";
  }
  http::write_plain_response(connection_->output().tail(), status, refusal_text(status), fields,
                             phase_ == Phase::head ? false : head_only_, connection);
  connection_->want_flush();
  leave();
}

void Session::leave() {
  const bool all_read = phase_ == Phase::answer || (phase_ == Phase::body && body_.ended());
  if (!all_read || has_more()) {
    leave(Farewell::linger);
  } else {
    // A client that asked for the end sends nothing more. Any other may send its next request
    // before it sees ours: closing on it would reset the response (robustness 84, 86).
    leave(keep_alive_ ? Farewell::brief : Farewell::close);
  }
}

void Session::leave(Farewell farewell) {
  phase_ = Phase::over;
  connection_->finish(farewell);
  if (!running_) {
    release();
  }
}

void Session::release() {
  RINGHORN_ASSERT(!running_ && !active_);
  Connection* connection = connection_;
  close();
  server_->give_session(*this);
  connection->on_session_done();
}

}  // namespace ringhorn::net
