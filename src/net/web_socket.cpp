#include <ringhorn/net/web_socket.hpp>

#include <utility>

#include "web_socket_session.hpp"

namespace ringhorn::net {

WebSocket::Sent WebSocket::send(ws::MessageKind kind, std::string_view payload) {
  return session_->send(kind, payload);
}

WebSocket::Sent WebSocket::send(ws::MessageKind kind, base::OwnedSlice payload) {
  return session_->send(kind, std::move(payload));
}

void WebSocket::want_more() {
  session_->want_more();
}

void WebSocket::note_idle() noexcept {
  session_->note_idle();
}

void WebSocket::close(std::uint16_t code, std::string_view reason) {
  session_->close(code, reason);
}

}  // namespace ringhorn::net
