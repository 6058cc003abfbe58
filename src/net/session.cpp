#include "session.hpp"

#include <string>
#include <utility>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/telemetry/log.hpp>

#include "connection.hpp"
#include "running.hpp"
#include "server_state.hpp"

namespace ringhorn::net {

Session::Session(ServerState& server)
    : server_(&server),
      exchange_(*this),
      parser_(server.settings().limits),
      response_(server.fields()) {}

void Session::open(Connection& connection) noexcept {
  RINGHORN_ASSERT(connection_ == nullptr && held_.empty());
  connection_ = &connection;
  parser_.read_from(server_->sections(), connection.sender());
}

void Session::close() noexcept {
  // A parser that stands between two requests is as good as a new one and keeps its memory.
  if (phase_ != Phase::head || head_begun_ || !parser_.idle()) {
    parser_ = http::RequestParser(server_->settings().limits);
  }
  constexpr std::size_t kept_bytes_max = 65536;
  held_.clear();
  if (held_.capacity() > kept_bytes_max) {
    held_.release();
  }
  body_.close();
  response_.reset();
  upgrade_.reset();
  connection_ = nullptr;
  unread_ = {};
  phase_ = Phase::head;
  in_place_ = starved_ = head_begun_ = awaiting_body_ = producer_waits_ = false;
  length_broken_ = cut_short_ = out_of_memory_ = in_request_call_ = false;
}

void Session::on_bytes(std::span<char> bytes) {
  in_place_ = held_.empty();
  if (!in_place_) {
    held_.append({bytes.data(), bytes.size()});
  }
  unread_ = in_place_ ? bytes : held_.bytes();
  run();
}

void Session::on_peer_finished() {
  resume();
  if (active_ && body_.ended() && connection_->peer_finished()) {
    handler_->on_peer_finished();
  }
}

void Session::on_output_low() {
  if (producer_waits_) {
    producer_waits_ = false;
    handler_->on_writable();
  }
  if (connection_ != nullptr && phase_ == Phase::head && !starved_ && !held_.empty()) {
    resume();
  }
}

void Session::on_lost() {
  phase_ = Phase::over;
  disconnect();
  if (!running_) {
    release();
  }
}

void Session::resume() {
  if (out_of_memory_) {
    connection_->lose(Farewell::reset);
    return;
  }
  if (cut_short_) {
    cut_short();
    return;
  }
  in_place_ = false;
  unread_ = held_.bytes();
  run();
}

void Session::run() {
  RINGHORN_ASSERT(!running_);
  {
    const Running running(running_);
    starved_ = false;
    bool more = true;
    while (more) {
      switch (phase_) {
        case Phase::head:
          more = read_head();
          break;
        case Phase::body:
          more = read_body();
          break;
        case Phase::drain:
          more = drop_body();
          break;
        case Phase::answer:
        case Phase::upgraded:
        case Phase::over:
          more = false;
          break;
      }
    }
  }
  settle();
}

bool Session::read_head() {
  // A client that sends requests and reads no responses is not given more of them.
  if (connection_->output().size() > server_->settings().output_high_bytes) {
    return false;
  }
  if (unread_.empty()) {
    starved_ = true;
    return false;
  }
  head_begun_ = true;
  const http::RequestParser::Step step = parser_.next(unread_);
  unread_ = unread_.subspan(step.consumed);
  switch (step.event) {
    case http::RequestParser::Event::need_more:
      starved_ = true;
      return false;
    case http::RequestParser::Event::head:
      return open_exchange();
    default:
      RINGHORN_ASSERT(step.event == http::RequestParser::Event::error);
      refuse_bad_request();
      return false;
  }
}

bool Session::open_exchange() {
  const http::RequestHead& head = parser_.head();
  connection_->disarm();
  head_begun_ = false;
  version_ = head.version;
  head_only_ = head.method == "HEAD";
  keep_alive_ = head.keep_alive;
  expects_continue_ = head.expects_continue;
  hurried_ = false;
  accepts_trailers_ = head.accepts_trailers;
  body_.open(head);
  response_.reset();
  dropped_bytes_ = 0;
  body_waited_ns_ = 0;
  phase_ = Phase::body;
  note_access(head);
  // What came of the body together with the head is there when the application first asks.
  if (!body_.ended() && gather_body() == RequestBody::Progress::failed) {
    refuse_bad_request();
    return false;
  }
  const bool bodyless = head.framing == http::Framing::none;
  if (asks_for_health(head)) {
    answer_health();
  } else if (over_limit()) {
    return false;
  } else if (!wants_web_socket(head)) {
    call_application(nullptr);
  } else if (!open_web_socket(head)) {
    return false;
  }
  if (bodyless && phase_ != Phase::over && phase_ != Phase::upgraded) {
    const http::RequestParser::Step step = parser_.next(unread_);
    RINGHORN_ASSERT(step.event == http::RequestParser::Event::end && step.consumed == 0);
  }
  if (active_ && phase_ == Phase::body) {
    RINGHORN_ASSERT(handler_ != nullptr);
    body_.keep();
    phase_ = body_.ended() ? Phase::answer : Phase::body;
  }
  return phase_ != Phase::over;
}

void Session::call_application(const ws::Handshake* handshake) {
  active_ = true;
  server_->exchange_started();
  in_request_call_ = true;
  Application& application = server_->application();
  handshake == nullptr ? application.on_request(exchange_)
                       : application.on_web_socket(exchange_, *handshake);
  in_request_call_ = false;
}

bool Session::over_limit() {
  connection_->count_as(Load::counted);
  if (!server_->over_concurrency()) {
    return false;
  }
  if (server_->concurrency_lines().allow(server_->now_ns())) {
    server_->log().warning("Exceeded concurrency limit.");
  }
  log_access(503);
  refuse(503);
  return true;
}

RequestBody::Progress Session::gather_body() {
  // Received bytes that are not gathered would be held all the same, and the application would be
  // given them in two pieces.
  const std::size_t held_bytes_max =
      in_place_ ? SIZE_MAX : server_->settings().body_ahead_bytes_max;
  return body_.gather(parser_, unread_, held_bytes_max);
}

bool Session::read_body() {
  const RequestBody::Progress progress = gather_body();
  if (progress == RequestBody::Progress::failed) {
    disconnect();
    response_.head_sent() ? cut() : refuse_bad_request();
    return false;
  }
  starved_ = progress == RequestBody::Progress::starved;
  if (awaiting_body_ && body_.ready()) {
    if (body_drips()) {
      on_timeout(TimeoutKind::body);
      return false;
    }
    awaiting_body_ = false;
    connection_->disarm();
    handler_->on_body_ready();
  }
  if (phase_ != Phase::body) {
    return true;
  }
  body_.keep();
  if (body_.ended()) {
    phase_ = Phase::answer;
  }
  return progress == RequestBody::Progress::full &&
         body_.held() < server_->settings().body_ahead_bytes_max;
}

/// A body that comes byte by byte never stalls, and would hold its exchange for ever (robustness
/// 38). Only the time for which the application waited counts.
bool Session::body_drips() noexcept {
  const Settings& settings = server_->settings();
  body_waited_ns_ += server_->now_ns() - body_wait_begin_ns_;
  if (body_.ended() || settings.body_ns == 0 || body_waited_ns_ <= settings.body_ns) {
    return false;
  }
  const auto waited_ms = static_cast<std::uint64_t>(body_waited_ns_ / base::ns_per_ms) + 1;
  return body_.seen() < settings.body_rate_min * waited_ms / 1000;
}

bool Session::drop_body() {
  const http::RequestParser::Step step = parser_.next(unread_);
  unread_ = unread_.subspan(step.consumed);
  dropped_bytes_ += step.consumed;
  if (step.event == http::RequestParser::Event::error ||
      dropped_bytes_ > server_->settings().drain_bytes_max) {
    leave();
    return false;
  }
  if (step.event == http::RequestParser::Event::end) {
    connection_->disarm();
    phase_ = Phase::head;
  }
  starved_ = step.event == http::RequestParser::Event::need_more;
  return !starved_;
}

void Session::settle() {
  if (phase_ == Phase::over) {
    release();
    return;
  }
  body_.keep();
  store_rest();
  if (phase_ == Phase::upgraded) {
    hand_over();
    return;
  }
  if (connection_->input_ended()) {
    if (starved_) {
      // Nothing can complete what is begun (robustness 27, 40); what is answered still leaves.
      disconnect();
      leave();
      return;
    }
    connection_->watch_peer();
  }
  if (phase_ == Phase::head && held_.empty() && !head_begun_) {
    release();
    return;
  }
  if (phase_ == Phase::head && !connection_->armed_for(TimeoutKind::header)) {
    connection_->arm(TimeoutKind::header);
  }
  update_reading();
}

void Session::store_rest() {
  if (in_place_ && !unread_.empty()) {
    held_.append({unread_.data(), unread_.size()});
  } else if (!in_place_) {
    held_.consume(held_.size() - unread_.size());
  }
  unread_ = {};
}

void Session::update_reading() {
  const Settings& settings = server_->settings();
  bool hungry = held_.size() < settings.pipeline_bytes_max;
  if (phase_ == Phase::body) {
    hungry = body_.held() < settings.body_ahead_bytes_max;
  } else if (phase_ == Phase::head) {
    // Either the next head is torn, or the output must leave first.
    hungry = starved_ || hungry;
  }
  hungry ? connection_->resume_reading() : connection_->pause_reading();
}

}  // namespace ringhorn::net
