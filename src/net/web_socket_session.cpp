#include "web_socket_session.hpp"

#include <array>
#include <cstring>
#include <new>
#include <utility>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/telemetry/log.hpp>

#include "connection.hpp"
#include "running.hpp"
#include "server_state.hpp"

namespace ringhorn::net {

WebSocketSession::WebSocketSession(ServerState& server, Connection& connection,
                                   WebSocketHandler& handler, const ws::DeflateAgreement& deflate)
    : server_(&server),
      connection_(&connection),
      handler_(&handler),
      face_(*this),
      writer_(server.deflate_pool(), deflate, server.settings().web_socket.compressed_bytes_min),
      reader_(server.settings().web_socket.message_bytes_max, server.deflate_pool(), deflate) {}

void WebSocketSession::begin(base::ByteBuffer held) {
  RINGHORN_ASSERT(!running_ && held_.empty());
  if (close_.over()) {
    return;  // lost in between
  }
  if (close_.may_send()) {
    connection_->arm(TimeoutKind::ws_ping);
  }
  held_ = std::move(held);
  if (!held_.empty() || connection_->input_ended()) {
    connection_->want_resume();
  }
  server_->draining() ? on_drain() : settle();
}

// --- in --------------------------------------------------------------------------------------

void WebSocketSession::on_bytes(std::span<char> bytes) {
  heard_ = true;
  if (held_.empty()) {
    const std::span<char> left = read(bytes);
    held_.append({left.data(), left.size()});
    settle();
  } else {
    held_.append({bytes.data(), bytes.size()});
    read_held();
  }
}

void WebSocketSession::read_held() {
  const std::span<char> left = read(held_.bytes());
  held_.consume(held_.size() - left.size());
  if (held_.empty()) {
    held_.release();
  }
  settle();
}

std::span<char> WebSocketSession::read(std::span<char> unread) {
  RINGHORN_ASSERT(!running_);
  const Running running(running_);
  while (!unread.empty() && may_read()) {
    const ws::MessageReader::Step step = reader_.next(unread);
    unread = unread.subspan(step.consumed);
    on_event(step.event);
  }
  // What follows a Close or a fault is of no interest.
  return close_.may_read() && !faulty_ ? unread : std::span<char>();
}

/// A client that sends and does not read is not given more to read: pongs would pile up.
bool WebSocketSession::may_read() const noexcept {
  return close_.may_read() && !faulty_ && (hungry_ || handler_ == nullptr) &&
         connection_->output().size() <= server_->settings().output_high_bytes;
}

void WebSocketSession::on_event(ws::MessageReader::Event event) {
  switch (event) {
    case ws::MessageReader::Event::need_more:
      break;
    case ws::MessageReader::Event::message:
      if (handler_ != nullptr) {
        hungry_ = handler_->on_message(reader_.message()) == Appetite::more;
      }
      break;
    case ws::MessageReader::Event::ping:
      if (close_.may_send()) {
        ws::write_pong(connection_->output().tail(), reader_.payload());
        connection_->want_flush();
      }
      break;
    case ws::MessageReader::Event::pong:
      on_pong();
      break;
    case ws::MessageReader::Event::close:
      close_.on_close(connection_->output().tail(), reader_.close_frame());
      leave(Farewell::brief);
      break;
    case ws::MessageReader::Event::error:
      on_fault();
      break;
  }
}

/// Messages that came right before it get their answers first, as if they had come alone.
void WebSocketSession::on_fault() {
  if (handler_ != nullptr) {
    faulty_ = true;
    fault_turns_ = 2;  // the first may still be in this dispatch
    connection_->want_resume();
  } else {
    fail(reader_.fault());
  }
}

/// Pongs that nobody asked for, or that answer an older ping, are no news.
void WebSocketSession::on_pong() {
  const std::string_view payload = reader_.payload();
  if (awaiting_pong_ && close_.may_send() && payload.size() == sizeof ping_number_ &&
      std::memcmp(payload.data(), &ping_number_, sizeof ping_number_) == 0) {
    awaiting_pong_ = false;
    if (!parting_) {
      connection_->arm(TimeoutKind::ws_ping);
    }
  }
}

void WebSocketSession::settle() {
  if (close_.over()) {
    return;
  }
  if (connection_->input_ended() && held_.empty() && !faulty_) {
    on_lost();
    return;
  }
  if (may_read()) {
    connection_->resume_reading();
  } else {
    connection_->pause_reading();
  }
  if (connection_->input_ended()) {
    connection_->watch_peer();
  }
}

void WebSocketSession::want_more() {
  RINGHORN_ASSERT(handler_ != nullptr);
  hungry_ = true;
  if (!running_) {
    connection_->want_resume();
  }
}

void WebSocketSession::note_idle() noexcept {
  if (parting_) {
    connection_->want_resume();
  }
}

void WebSocketSession::resume() {
  if (out_of_memory_) {
    connection_->lose(Farewell::reset);
    return;
  }
  if (parting_ && handler_ != nullptr && !faulty_) {
    part();
  }
  if (!faulty_) {
    read_held();
  } else if (--fault_turns_ == 0) {
    fail(reader_.fault());
  } else {
    connection_->want_resume();
  }
}

void WebSocketSession::on_peer_finished() {
  // What was received before is delivered first (lesson 8).
  read_held();
}

// --- out -------------------------------------------------------------------------------------

// What is not sent by reference is shared.
static_assert(WebSocket::by_reference_bytes_min <= OutputQueue::small_bytes_max);

WebSocket::Sent WebSocketSession::send(ws::MessageKind kind, std::string_view payload) {
  RINGHORN_ASSERT(handler_ != nullptr && close_.may_send());
  try {
    OutputQueue& output = connection_->output();
    if (payload.size() < WebSocket::by_reference_bytes_min && !writer_.compresses(payload.size())) {
      std::array<char, ws::server_head_bytes_max> head;
      const std::size_t head_bytes =
          ws::write_frame_head(head.data(), static_cast<ws::Opcode>(kind), payload.size());
      output.append_shared({head.data(), head_bytes}, payload);
    } else {
      writer_.write(output.tail(), kind, payload);
    }
    return after_send();
  } catch (const std::bad_alloc&) {
    fail_for_memory();
    return WebSocket::Sent::wait;
  }
}

WebSocket::Sent WebSocketSession::send(ws::MessageKind kind, base::OwnedSlice payload) {
  const std::string_view bytes = payload.bytes();
  if (bytes.size() < WebSocket::by_reference_bytes_min || writer_.compresses(bytes.size())) {
    return send(kind, bytes);
  }
  RINGHORN_ASSERT(handler_ != nullptr && close_.may_send());
  try {
    OutputQueue& output = connection_->output();
    ws::write_message_head(output.tail(), kind, bytes.size());
    output.append(std::move(payload), bytes.size());
    return after_send();
  } catch (const std::bad_alloc&) {
    fail_for_memory();
    return WebSocket::Sent::wait;
  }
}

WebSocket::Sent WebSocketSession::after_send() {
  connection_->want_flush();
  if (connection_->output().size() <= server_->settings().output_high_bytes) {
    return WebSocket::Sent::done;
  }
  producer_waits_ = true;
  return WebSocket::Sent::wait;
}

/// The handler is told by on_closed, from the next dispatch: half a frame may be in the output.
void WebSocketSession::fail_for_memory() {
  out_of_memory_ = true;
  connection_->want_resume();
}

void WebSocketSession::on_output_low() {
  if (producer_waits_) {
    producer_waits_ = false;
    if (handler_ != nullptr) {
      handler_->on_writable();
    }
  }
  if (!close_.over() && connection_->reading_paused()) {
    read_held();
  }
}

void WebSocketSession::ping() {
  std::array<char, sizeof ping_number_> payload;
  ++ping_number_;
  std::memcpy(payload.data(), &ping_number_, payload.size());
  ws::write_ping(connection_->output().tail(), {payload.data(), payload.size()});
  connection_->want_flush();
  heard_ = false;
  awaiting_pong_ = true;
  connection_->arm(TimeoutKind::ws_pong);
  if (!connection_->armed_for(TimeoutKind::ws_pong)) {
    connection_->arm(TimeoutKind::ws_ping);
  }
}

// --- the end ---------------------------------------------------------------------------------

void WebSocketSession::close(std::uint16_t code, std::string_view reason) {
  RINGHORN_ASSERT(handler_ != nullptr);
  handler_ = nullptr;
  say_close(code, reason, TimeoutKind::ws_close);
}

void WebSocketSession::on_drain() {
  if (handler_ != nullptr) {
    parting_ = true;
    part();
  } else if (!close_.over()) {
    connection_->arm(TimeoutKind::drain);
  }
}

void WebSocketSession::on_hurry() {
  if (handler_ != nullptr) {
    go_away();
  }
}

void WebSocketSession::part() {
  if (handler_->has_message_in_hand()) {
    if (!connection_->armed_for(TimeoutKind::ws_close)) {
      connection_->arm(TimeoutKind::ws_close);
    }
    return;
  }
  go_away();
}

void WebSocketSession::go_away() {
  std::exchange(handler_, nullptr)->on_closed(ws::close_service_restart, {});
  say_close(ws::close_service_restart, {}, TimeoutKind::drain);
}

/// The client's Close is waited for, and everything before it is read and dropped.
void WebSocketSession::say_close(std::uint16_t code, std::string_view reason, TimeoutKind wait) {
  close_.close(connection_->output().tail(), code, reason);
  connection_->want_flush();
  connection_->arm(wait);
  if (!running_) {
    connection_->want_resume();
  }
}

void WebSocketSession::on_timeout(TimeoutKind kind) {
  switch (kind) {
    case TimeoutKind::ws_ping:
      ping();
      break;
    case TimeoutKind::ws_pong:
      // Our ping may still wait in the output, and the pong behind what we do not read.
      if (heard_ || connection_->reading_paused() || !connection_->output().empty()) {
        heard_ = false;
        connection_->arm(TimeoutKind::ws_pong);
      } else {
        fail({ws::close_internal_error, "keepalive ping timeout"});
      }
      break;
    default:
      // Either the application takes too long with its last message, or the client owes us its
      // Close.
      handler_ != nullptr ? go_away() : leave(Farewell::close);
      break;
  }
}

void WebSocketSession::on_lost() {
  close_.on_lost();
  leave(Farewell::close);
}

void WebSocketSession::fail(const ws::Fault& fault) {
  close_.fail(connection_->output().tail(), fault);
  leave(Farewell::linger);
}

void WebSocketSession::leave(Farewell farewell) {
  if (handler_ != nullptr) {
    std::exchange(handler_, nullptr)->on_closed(close_.code(), close_.reason());
  }
  server_->log().info("connection closed");
  connection_->want_flush();
  connection_->finish(farewell);
  connection_->on_session_done();
}

}  // namespace ringhorn::net
