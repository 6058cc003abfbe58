/// An application that accepts WebSockets, for the tests of `net`: what it does with the handshake
/// and with each message is a function of the test's, and everything that it is told is kept.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringhorn/net/exchange.hpp>
#include <ringhorn/net/web_socket.hpp>

#include "world.hpp"
#include "ws/frames.hpp"

namespace ringhorn::test {

/// The application's end of one WebSocket.
class Socket final : public net::RequestHandler, public net::WebSocketHandler {
 public:
  using Step = std::function<void(Socket&)>;

  net::Exchange* exchange = nullptr;  ///< until it is accepted
  net::WebSocket* socket = nullptr;   ///< while it is open
  net::Appetite appetite = net::Appetite::more;
  std::vector<std::string> messages;
  bool in_hand = false;
  int code = 0;  ///< of the end; 0: it is not at its end
  std::string reason;
  std::size_t writable_calls = 0;
  std::size_t disconnects = 0;
  Step when_message;
  Step when_closed;

  void accept() {
    exchange->begin_upgrade();
    socket = std::exchange(exchange, nullptr)->upgrade(*this);
  }
  net::WebSocket::Sent send(std::string_view text) {
    return socket->send(ws::MessageKind::text, text);
  }
  void close(std::uint16_t with) { std::exchange(socket, nullptr)->close(with, "bye"); }

 private:
  net::Appetite on_message(const ws::MessageReader::Message& message) override {
    messages.emplace_back(message.payload);
    if (when_message) {
      when_message(*this);
    }
    return appetite;
  }
  bool has_message_in_hand() const noexcept override { return in_hand; }
  void on_closed(std::uint16_t with, std::string_view why) override {
    CHECK(code == 0);
    socket = nullptr;
    code = with;
    reason = why;
    if (when_closed) {
      when_closed(*this);
    }
  }
  void on_body_ready() override {}
  void on_writable() override { ++writable_calls; }
  void on_disconnect() override {
    ++disconnects;
    exchange = nullptr;
  }
};

class SocketApplication final : public net::Application {
 public:
  Socket::Step when_asked = [](Socket& socket) { socket.accept(); };
  std::vector<std::unique_ptr<Socket>> sockets;

  Socket& last() { return *sockets.back(); }

 private:
  void on_request(net::Exchange& exchange) override {
    FAIL("an ordinary request: " << exchange.head().target);
  }
  void on_web_socket(net::Exchange& exchange, const ws::Handshake&) override {
    sockets.push_back(std::make_unique<Socket>());
    sockets.back()->exchange = &exchange;
    exchange.attach(*sockets.back());
    when_asked(*sockets.back());
  }
};

inline const std::string handshake =
    "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
inline const std::string switching =
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

inline std::string text_frame(std::string_view text) {
  return ws::frame(ws::Opcode::text, text);
}
inline std::string close_frame(unsigned code) {
  return ws::frame(ws::Opcode::close,
                   std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)});
}
/// What the server sends: no mask, short payloads only.
inline std::string server_frame(unsigned opcode, std::string_view payload) {
  std::string bytes{static_cast<char>(0x80U | opcode), static_cast<char>(payload.size())};
  return bytes.append(payload);
}
inline std::string server_close(unsigned code, std::string_view reason = "") {
  return server_frame(
      8, std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)}.append(reason));
}

}  // namespace ringhorn::test
