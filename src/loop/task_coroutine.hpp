/// A TaskCoroutine is the coroutine of a task that EventLoop::begin has made: it stands for the one
/// that was given to begin, hands everything through, and tells how that one ends. Some steps of
/// that one are made without the task: the first, before there is a task (core_task.cpp), and those
/// that come when it waits in its listener's parking. What such a step gave is kept, and the task
/// gets it as that of a step of its own. What else the object is asked for (cr_frame, cr_running,
/// __qualname__, its repr) is the other coroutine's own answer. Needs the GIL.
#pragma once

#include <optional>
#include <utility>

#include <ringhorn/loop/event_loop.hpp>
#include <ringhorn/py/ref.hpp>

namespace ringhorn::loop {

class Core;
struct Types;

class TaskCoroutine {
 public:
  /// `self` is the Python object around it.
  TaskCoroutine(PyObject* self, const Types& types, PyObject* coroutine,
                const Listener& listener) noexcept
      : self_(self),
        types_(types),
        coroutine_(py::Ref::borrow(coroutine)),
        listener_(listener),
        owner_(py::Ref::borrow(listener.owner)) {}
  TaskCoroutine(const TaskCoroutine&) = delete;
  TaskCoroutine& operator=(const TaskCoroutine&) = delete;
  ~TaskCoroutine() { unpark(); }

  /// The one that it stands for, borrowed.
  PyObject* coroutine() const noexcept { return coroutine_.get(); }
  /// The listener has heard the end.
  bool over() const noexcept { return !owner_; }
  /// The task that it was made for, whose steps run in `context`; `core` is that of the native loop
  /// on which it runs, or null, and then it never steps without its task.
  void set_task(PyObject* task, Core* core, const py::Ref& context);
  /// What a step without the task gave; with PYGEN_ERROR the exception, which is not set.
  void keep_step(PySendResult sent, py::Ref given) {
    sent_ = sent;
    given_ = std::move(given);
  }
  /// Has the coroutine, which is parked, go on without its task when its turn in the loop comes.
  /// False when somebody else waits for `future`, or where it cannot: then that is to be resolved.
  bool schedule_step(PyObject* future);
  /// Makes the step that was scheduled.
  void go_on();

  // --- from the task ---------------------------------------------------------------------------
  /// As PyIter_Send().
  PySendResult send(PyObject* value, PyObject** result);
  /// As PyIter_Send(), for coroutine.throw(*arguments).
  PySendResult throw_in(PyObject* const* arguments, Py_ssize_t count, PyObject** result);
  PyObject* close();

  int traverse(visitproc visit, void* arg);
  void clear();

 private:
  PySendResult settle(PySendResult sent, PyObject* result);
  void unpark();
  PySendResult give_step(PyObject** result);
  PySendResult cancel_step(py::Ref exception, PyObject** result);
  bool cancel_given(PyObject* exception);
  PySendResult tell(PySendResult sent, PyObject* result);
  void tell_raised();
  void keep_quiet();

  PyObject* self_;
  const Types& types_;
  py::Ref coroutine_;
  std::optional<PySendResult> sent_;  ///< what was kept for the task
  py::Ref given_;                     ///< the same
  py::Ref cancellation_;              ///< is thrown when the coroutine goes on
  Listener listener_;
  py::Ref owner_;             ///< of the listener, until that has heard the end
  PyObject* task_ = nullptr;  ///< borrowed: it owns this
  bool raised_ = false;       ///< before there was a task
  bool scheduled_ = false;    ///< a step without the task
  Core* core_ = nullptr;
  py::Ref context_;
  py::Ref task_waits_for_;  ///< a future of the listener's parking, or empty
};

struct TaskCoroutineObject {
  PyObject_HEAD TaskCoroutine coroutine;
};

/// REQUIRES: `object` is a TaskCoroutine
inline TaskCoroutine& task_coroutine_of(PyObject* object) noexcept {
  return reinterpret_cast<TaskCoroutineObject*>(object)->coroutine;
}

/// The heap type; null with an exception set on failure.
PyObject* make_task_coroutine_type();

/// The function that a loop calls with the object when a step was scheduled; empty with an
/// exception set on failure.
py::Ref make_go_on();

/// One that stands for `coroutine`; empty with an exception set on failure.
py::Ref make_task_coroutine(const Types& types, PyObject* coroutine, const Listener& listener);

/// A task named `name` on `loop` (with `core` if it is a native one, or null), whose TaskCoroutine
/// stands for `coroutine`, and whose first step is scheduled. Empty on failure, of which `listener`
/// is told.
py::Ref make_listened_task(const Types& types, PyObject* loop, Core* core, PyObject* coroutine,
                           PyObject* name, const Listener& listener);

/// Tells of the exception that is set, the end of a coroutine without a task. It stays set if it is
/// SystemExit or KeyboardInterrupt, which come out of a task's step as well.
void tell_exception(const Listener& listener);

/// Tells of the exception that is set, and clears it: the coroutine cannot go on.
void tell_failure(const Listener& listener);

}  // namespace ringhorn::loop
