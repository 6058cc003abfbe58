/// Handle and TimerHandle: a callback that a loop is to call, and what call_soon() and call_later()
/// return. Python sees objects that do all that asyncio.Handle and asyncio.TimerHandle do. A handle
/// keeps its loop alive; the loop keeps those alive that it has still to call. Needs the GIL.
#pragma once

#include <cstddef>

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/io/timer.hpp>
#include <ringhorn/py/ref.hpp>

namespace ringhorn::loop {

struct Types;

/// What a callback is called with: `callback(*arguments)` inside `context` (null: a copy of the
/// current one). All borrowed.
struct Call {
  PyObject* callback;
  PyObject* const* arguments;
  std::size_t count;
  PyObject* context;
};

struct HandleObject {
  /// More arguments than this are kept in a tuple.
  static constexpr unsigned inline_max = 2;

  PyObject_HEAD PyObject* loop;
  PyObject* callback;  ///< null once cancelled
  PyObject* context;
  /// arguments[0] is scratch space for the call (PY_VECTORCALL_ARGUMENTS_OFFSET).
  PyObject* arguments[1 + inline_max];
  PyObject* more_arguments;    ///< the tuple, or null
  PyObject* source_traceback;  ///< where it was made, in debug mode; or null
  PyObject* text;              ///< the repr from before it was cancelled, in debug mode; or null
  PyObject* weak_references;
  unsigned count;  ///< of inline arguments
  bool cancelled;
};

struct TimerHandleObject;

/// The handles that a loop has armed timers for.
struct ArmedTag;
class HandleTimer final : public io::Timer, public base::ListNode<ArmedTag> {
 public:
  explicit HandleTimer(TimerHandleObject& owner) noexcept : owner_(owner) {}
  TimerHandleObject& owner() const noexcept { return owner_; }

 private:
  void on_expired() override;
  TimerHandleObject& owner_;
};

struct TimerHandleObject {
  HandleObject handle;
  double when;
  HandleTimer timer;
};

inline PyObject* as_object(HandleObject* handle) noexcept {
  return reinterpret_cast<PyObject*>(handle);
}
inline HandleObject* as_handle(PyObject* object) noexcept {
  return reinterpret_cast<HandleObject*>(object);
}
inline TimerHandleObject* as_timer_handle(PyObject* object) noexcept {
  return reinterpret_cast<TimerHandleObject*>(object);
}

/// New, tracked handles of `loop`; null with an exception set on failure.
HandleObject* make_handle(Types& types, PyObject* loop, const Call& call);
TimerHandleObject* make_timer_handle(Types& types, PyObject* loop, const Call& call, double when);

/// What `callback(*arguments)` in its context returns: new reference, or null with its exception.
/// The handle may be cancelled meanwhile. REQUIRES: !cancelled
PyObject* call_handle(HandleObject& handle);
/// As Handle.cancel(). False with an exception set when its repr could not be kept.
bool cancel_handle(HandleObject& handle);
/// `Handle._args`: new reference.
PyObject* make_arguments(const HandleObject& handle);

/// The native types; null with an exception set on failure.
PyObject* make_handle_type();
PyObject* make_timer_handle_type();

}  // namespace ringhorn::loop
