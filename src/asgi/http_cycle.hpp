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

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/net/exchange.hpp>
#include <ringhorn/py/ref.hpp>

#include "awaitable.hpp"
#include "bridge.hpp"

namespace ringhorn::asgi {

class HttpCycle final : public net::RequestHandler, public base::ListNode<CycleTag> {
 public:
  HttpCycle(Bridge& bridge, net::Exchange& exchange);
  ~HttpCycle();

  // --- from Python -----------------------------------------------------------------------------
  /// What `receive()` returns: an awaitable.
  PyObject* receive(PyObject* self);
  /// What `send(message)` returns: an awaitable; null with the exception for the application.
  PyObject* send(PyObject* self, PyObject* message);
  /// The next event for the application; null without an exception while there is none.
  PyObject* take_message();
  PyObject* raise_disconnected();
  void add_waiter(Awaitable& waiter, Awaitable::Kind kind);

  // --- from net --------------------------------------------------------------------------------
  void on_body_ready() override;
  void on_writable() override;
  void on_peer_finished() override;
  void on_disconnect() override;

  // --- from the application object -------------------------------------------------------------
  /// The application's call ended with `result`, or with `exception`.
  void on_returned(PyObject* result);
  void on_raised(PyObject* exception);
  /// The exchange is still ours to answer.
  bool alive() const noexcept { return exchange_ != nullptr; }
  bool disconnected() const noexcept { return state_ == State::disconnected; }
  /// http.disconnect was delivered at least once.
  bool disconnect_told() const noexcept { return disconnect_told_; }
  Bridge* bridge() const noexcept { return bridge_; }
  /// Held while the application's task runs, to be able to cancel it.
  void hold_task(py::Ref task) noexcept { task_ = std::move(task); }
  void drop_task() noexcept { task_.reset(); }
  PyObject* task() const noexcept { return task_.get(); }
  /// The bridge is gone.
  void detach_bridge() noexcept;

 private:
  enum class State : std::uint8_t { waiting, started, trailers, complete, disconnected, failed };

  PyObject* send_start(PyObject* message);
  PyObject* send_body(PyObject* self, PyObject* message);
  PyObject* send_trailers(PyObject* message);
  PyObject* unexpected(PyObject* type);
  PyObject* give_up();
  bool add_fields(PyObject* headers);
  void end(State state);
  void warn_of_body(std::string_view body);
  void wake_receivers();
  void cut(const std::string& complaint);

  Bridge* bridge_;
  net::Exchange* exchange_;
  State state_ = State::waiting;
  bool body_told_ = false;  ///< the last http.request was delivered
  bool disconnect_told_ = false;
  bool peer_finished_ = false;  ///< the client has sent FIN: it may still read our answer
  bool awaits_body_ = false;    ///< net was asked for on_body_ready
  bool trailers_announced_ = false;
  bool warned_ = false;  ///< of a body that the status does not allow
  int status_ = 0;
  std::unique_ptr<std::string> trailers_;  ///< field lines gathered so far
  base::IntrusiveList<Awaitable, WaitTag> receivers_;
  base::IntrusiveList<Awaitable, WaitTag> writers_;
  py::Ref task_;
};

}  // namespace ringhorn::asgi
