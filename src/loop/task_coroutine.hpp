/// A TaskCoroutine is the coroutine of a task that EventLoop::begin has made: it stands for the one
/// that was given to begin, hands everything through, and tells how that one ends. Where the first
/// step ran before there was a task (core_task.cpp), its first step gives what that step gave. What
/// else it is asked for (cr_frame, cr_running, __qualname__, its repr) is the other's own answer.
/// Needs the GIL.
#pragma once

#include <ringhorn/loop/event_loop.hpp>
#include <ringhorn/py/ref.hpp>

namespace ringhorn::loop {

struct Types;

/// The heap type; null with an exception set on failure.
PyObject* make_task_coroutine_type();

/// One that stands for `coroutine`; empty with an exception set on failure.
py::Ref make_task_coroutine(const Types& types, PyObject* coroutine, const Listener& listener);

/// The task that it was made for. REQUIRES: `self` is a TaskCoroutine
void set_task(PyObject* self, PyObject* task);

/// What the step without a task gave; with PYGEN_ERROR the exception, which is not set.
/// REQUIRES: `self` is a TaskCoroutine that nobody has stepped
void set_first_step(PyObject* self, PySendResult sent, py::Ref given);

/// A task named `name` on `loop`, whose TaskCoroutine stands for `coroutine`, and whose first step
/// is scheduled. Empty on failure, of which `listener` is told.
py::Ref make_listened_task(const Types& types, PyObject* loop, PyObject* coroutine, PyObject* name,
                           const Listener& listener);

/// Tells of the exception that is set, the end of a coroutine without a task. It stays set if it is
/// SystemExit or KeyboardInterrupt, which come out of a task's step as well.
void tell_exception(const Listener& listener);

/// Tells of the exception that is set, and clears it: the coroutine cannot go on.
void tell_failure(const Listener& listener);

/// Whether the listener has heard the end. REQUIRES: `self` is a TaskCoroutine
bool is_over(PyObject* self) noexcept;

}  // namespace ringhorn::loop
