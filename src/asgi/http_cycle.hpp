/// HttpCycle is one call of the application for one request: it answers receive() from the
/// exchange's body and writes what send() is given into the exchange's response. It lives inside
/// the Python object that the application knows as `send`, which `receive` keeps alive, so it may
/// outlive the exchange: from the exchange's end on it only tells so (lesson: a late `send` must
/// never reach the connection's next request).
///
///     waiting for start ──send(start)──► started ──send(last body)──► complete
///            └────────────── disconnected (by the client), failed (by us) ──────┘
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <ringhorn/net/exchange.hpp>
#include <ringhorn/py/ref.hpp>

#include "cycle.hpp"
#include "message_fields.hpp"

namespace ringhorn::asgi {

class HttpCycle final : public Cycle, public net::RequestHandler {
 public:
  HttpCycle(Bridge& bridge, net::Exchange& exchange);
  ~HttpCycle();

  // --- from Python -----------------------------------------------------------------------------
  /// What `send(message)` returns: an awaitable; null with the exception for the application.
  PyObject* send(PyObject* self, PyObject* message);
  PyObject* take_message() override;
  PyObject* take_room(bool woken) override;

  // --- from net --------------------------------------------------------------------------------
  void on_body_ready() override;
  void on_writable() override;
  void on_peer_finished() override;
  void on_disconnect() override;

 private:
  enum class State : std::uint8_t { waiting, started, trailers, complete, disconnected, failed };

  /// The exchange is still ours to answer.
  bool alive() const noexcept { return exchange_ != nullptr; }
  void await_message() override;
  void on_call_ended(CallEnd end) override;
  py::Ref make_request_event();
  PyObject* send_start(const ResponseMembers& members);
  PyObject* send_body(PyObject* self, const ResponseMembers& members);
  PyObject* send_trailers(PyObject* message);
  PyObject* unexpected(PyObject* type);
  PyObject* give_up();
  bool add_fields(PyObject* headers);
  void end(State state);
  void warn_of_body(std::string_view body);
  void cut(const std::string& complaint);

  net::Exchange* exchange_;
  State state_ = State::waiting;
  py::Ref request_event_;       ///< the next http.request, made before its receiver ran
  bool body_told_ = false;      ///< the last http.request was made
  bool peer_finished_ = false;  ///< the client has sent FIN: it may still read our answer
  bool awaits_body_ = false;    ///< net was asked for on_body_ready
  bool trailers_announced_ = false;
  bool warned_ = false;  ///< of a body that the status does not allow
  int status_ = 0;
  std::unique_ptr<std::string> trailers_;  ///< field lines gathered so far
};

}  // namespace ringhorn::asgi
