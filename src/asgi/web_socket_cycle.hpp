/// WebSocketCycle is one call of the application for one WebSocket (ASGI www, "websocket"): it
/// queues what the client sends until receive() asks for it, and writes what send() is given. As
/// HttpCycle, it lives inside the application's `send` and may outlive the connection.
///
///     connecting ──accept──► open ──close, or the client's end──► closed
///        ├── close: 403 ────────────────────────────────────────────┤
///        └── http.response.start ──► denying ──last body────────────┘
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <ringhorn/net/exchange.hpp>
#include <ringhorn/net/web_socket.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/ws/frame.hpp>

#include "cycle.hpp"
#include "message_queue.hpp"

namespace ringhorn::asgi {

class WebSocketCycle final : public Cycle,
                             public net::RequestHandler,
                             public net::WebSocketHandler {
 public:
  WebSocketCycle(Bridge& bridge, net::Exchange& exchange);
  ~WebSocketCycle();

  // --- from Python -----------------------------------------------------------------------------
  /// As HttpCycle::send.
  PyObject* send(PyObject* self, PyObject* message);
  PyObject* take_message() override;
  PyObject* take_room(bool woken) override;

  // --- from net, while connecting or denying ---------------------------------------------------
  void on_body_ready() override {}  // nobody waits for one
  void on_peer_finished() override;
  void on_disconnect() override;
  // --- … and while open ------------------------------------------------------------------------
  net::Appetite on_message(const ws::MessageReader::Message& message) override;
  void on_closed(std::uint16_t code, std::string_view reason) override;
  bool has_message_in_hand() const noexcept override { return in_hand_ || !queue_.empty(); }
  // --- … and in both ---------------------------------------------------------------------------
  void on_writable() override;

 private:
  enum class State : std::uint8_t { connecting, denying, open, closed };

  void await_message() override;
  void on_call_ended(CallEnd end) override;
  PyObject* make_disconnect();
  bool full() const noexcept;

  PyObject* send_message(PyObject* self, PyObject* message);
  PyObject* send_payload(PyObject* self, ws::MessageKind kind, py::Ref payload);
  PyObject* accept(PyObject* message);
  bool add_accept_fields(PyObject* headers);
  bool add_subprotocol(PyObject* subprotocol);
  PyObject* close(PyObject* message);
  PyObject* deny();
  PyObject* start_denial(PyObject* message);
  PyObject* send_denial(PyObject* self, PyObject* message);
  PyObject* unexpected(PyObject* type);
  PyObject* give_up();
  /// Ends the WebSocket, or its handshake, for a failure of the application.
  void fail(const std::string& complaint);
  void end(std::uint16_t code, std::string_view reason);

  net::Exchange* exchange_;           ///< while connecting or denying
  net::WebSocket* socket_ = nullptr;  ///< while open
  std::uint16_t code_ = ws::close_abnormal;
  State state_ = State::connecting;
  bool connect_told_ = false;
  bool in_hand_ = false;  ///< a message was taken and the next has not been asked for
  bool full_ = false;     ///< net delivers nothing until want_more()
  MessageQueue queue_;
  py::Ref reason_;  ///< of the end; empty: none
};

}  // namespace ringhorn::asgi
