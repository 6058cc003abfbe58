/// WebSocketSession speaks RFC 6455 on a connection once the application has accepted the
/// WebSocket: frames in, messages to the handler; messages, pings and the goodbye out. One per
/// WebSocket, owned by its Connection; between messages it holds no buffer, so that an idle
/// WebSocket is small. One thread; every `on_*` comes out of Driver::dispatch().
///
/// Theory. Bytes are read as they come, in the driver's buffer, until the handler wants no more
/// messages or the client reads too little of what we send. What is left then is kept (`held_`) and
/// the socket is read no more: a slow application or a slow client holds its peer back, and nothing
/// is ever dropped. ws::CloseState knows what may still be said and heard.
///
/// The handler's calls only write and note; they never read. Reading goes on where it was, or from
/// the next dispatch (Connection::want_resume), so there is no recursion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/base/slice.hpp>
#include <ringhorn/net/web_socket.hpp>
#include <ringhorn/ws/close_state.hpp>
#include <ringhorn/ws/message_reader.hpp>
#include <ringhorn/ws/message_writer.hpp>

#include "protocol.hpp"

namespace ringhorn::net {

class Connection;
class ServerState;
enum class Farewell : std::uint8_t;

class WebSocketSession final : public Protocol {
 public:
  /// `handler` is attached from now on. REQUIRES: server and connection outlive it
  WebSocketSession(ServerState& server, Connection& connection, WebSocketHandler& handler,
                   const ws::DeflateAgreement& deflate);
  WebSocketSession(const WebSocketSession&) = delete;
  WebSocketSession& operator=(const WebSocketSession&) = delete;

  /// The connection is ours; `held` are bytes that came behind the handshake.
  void begin(base::ByteBuffer held);
  /// What the application holds.
  WebSocket& face() noexcept { return face_; }

  // --- from WebSocket: see there ----------------------------------------------------------------
  WebSocket::Sent send(ws::MessageKind kind, std::string_view payload);
  WebSocket::Sent send(ws::MessageKind kind, base::OwnedSlice payload);
  void want_more();
  void note_idle() noexcept;
  void close(std::uint16_t code, std::string_view reason);

  // --- from the connection ----------------------------------------------------------------------
  /// The contracts stand in protocol.hpp.
  void on_bytes(std::span<char> bytes) override;
  void on_peer_finished() override;
  void on_output_low() override;
  void on_timeout(TimeoutKind kind) override;
  void on_lost() override;
  void resume() override;
  void on_drain() override;
  void on_hurry() override;
  std::uint64_t body_bytes_missing() const noexcept override { return 0; }

 private:
  /// Reads events off the front of `unread` as long as somebody wants them; what is left.
  std::span<char> read(std::span<char> unread);
  void read_held();
  bool may_read() const noexcept;
  void on_event(ws::MessageReader::Event event);
  void on_pong();
  void on_fault();
  /// After reading: the end when there is nothing more to come, else reading fits the appetite.
  void settle();

  void ping();
  WebSocket::Sent after_send();
  void fail_for_memory();
  /// The server goes away, once the application has answered what it has in hand.
  void part();
  void go_away();
  void say_close(std::uint16_t code, std::string_view reason, TimeoutKind wait);
  void fail(const ws::Fault& fault);
  /// Nothing more is said or heard: the handler is told, the connection ends.
  void leave(Farewell farewell);

  // What every send looks at comes first, in two lines of the cache.
  ServerState* server_;
  Connection* connection_;
  WebSocketHandler* handler_;
  WebSocket face_;
  std::uint32_t ping_number_ = 0;
  std::uint8_t fault_turns_ = 0;  ///< until the reader's fault is answered
  bool running_ = false;
  bool hungry_ = true;  ///< the handler takes messages
  bool heard_ = false;  ///< bytes have come since the last ping
  bool awaiting_pong_ = false;
  bool producer_waits_ = false;  ///< somebody was told to wait for on_writable
  bool faulty_ = false;          ///< the reader's fault is to be answered
  bool parting_ = false;         ///< the server drains
  bool out_of_memory_ = false;
  ws::MessageWriter writer_;
  ws::CloseState close_;
  base::ByteBuffer held_;  ///< bytes that nobody wants yet
  ws::MessageReader reader_;
};

}  // namespace ringhorn::net
