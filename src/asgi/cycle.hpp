/// Cycle is one call of the application, for a request or for a WebSocket: what both have in
/// common. It knows who waits for a message or for room in the output, holds the task, and counts
/// as alive. It lives inside the Python object that the application knows as `send`, which
/// `receive` and every waiting Awaitable keep alive. Needs the GIL.
#pragma once

#include <cstddef>

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/loop/event_loop.hpp>
#include <ringhorn/py/ref.hpp>

#include "awaitable.hpp"
#include "bridge.hpp"

namespace ringhorn::asgi {

/// The attribute of a SystemExit that a call has ended with, and that was dealt with.
inline constexpr const char* answered_mark = "__ringhorn_answered__";

enum class CallEnd : bool { returned, raised };

class Cycle : public loop::Ending, public base::ListNode<CycleTag> {
 public:
  explicit Cycle(Bridge& bridge);
  Cycle(const Cycle&) = delete;
  Cycle& operator=(const Cycle&) = delete;

  // --- from Python -----------------------------------------------------------------------------
  /// What `receive()` returns: an awaitable. `self` is the `send` object.
  PyObject* receive(PyObject* self);
  /// The next event for the application; null without an exception while there is none.
  virtual PyObject* take_message() = 0;
  /// What a wait for room in the output ends with: None, or null with an exception set; null
  /// without one while it goes on. `woken`: there was room at least once.
  virtual PyObject* take_room(bool woken) = 0;
  PyObject* raise_disconnected();
  void add_waiter(Awaitable& waiter, Awaitable::Kind kind);

  // --- from the loop: the application's call ended ----------------------------------------------
  void on_returned(PyObject* result) final;
  void on_raised(PyObject* exception) final;

  // --- from the application object -------------------------------------------------------------
  /// The disconnect was delivered at least once.
  bool disconnect_told() const noexcept { return disconnect_told_; }
  /// Null when the server is gone.
  Bridge* bridge() const noexcept { return bridge_; }
  /// Held while the application's task runs, to be able to cancel it.
  void hold_task(py::Ref task) noexcept { task_ = std::move(task); }
  PyObject* task() const noexcept { return task_.get(); }
  /// The bridge is gone.
  void detach_bridge() noexcept;

 protected:
  ~Cycle();

  /// Somebody waits for a message that is not there.
  virtual void await_message() = 0;
  void wake_receivers();
  void wake_writers();
  /// The application's call is over, well or with an exception, which was dealt with: whatever it
  /// has left open is ended. The server is there.
  virtual void on_call_ended(CallEnd end) = 0;
  void note_disconnect_told() noexcept { disconnect_told_ = true; }

 private:
  void end_call(CallEnd end);
  /// Logs what the application's call returned, unless it is None.
  void complain_of_result(PyObject* result);
  /// Logs what it raised, unless the client's leaving or the shutdown was the cause.
  void complain_of_exception(PyObject* exception);

  Bridge* bridge_;
  bool disconnect_told_ = false;
  base::IntrusiveList<Awaitable, WaitTag> receivers_;
  base::IntrusiveList<Awaitable, WaitTag> writers_;
  py::Ref task_;
};

}  // namespace ringhorn::asgi
