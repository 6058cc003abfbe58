#include "foreign_loop.hpp"

#include <algorithm>
#include <utility>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/py/error.hpp>
#include <ringhorn/py/forked.hpp>

#include "task_coroutine.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

constexpr const char* foreign_capsule_name = "ringhorn.loop.foreign";

/// What a call on the loop returned. Nobody is there who could do something about a failure.
py::Ref checked(PyObject* result, PyObject* loop) {
  if (result == nullptr) {
    PyErr_WriteUnraisable(loop);
  }
  return py::Ref::steal(result);
}

}  // namespace

PyMethodDef ForeignLoop::turn_method = {"run_turn", ForeignLoop::on_called, METH_NOARGS, nullptr};
PyMethodDef ForeignLoop::timer_method = {"on_timer", ForeignLoop::on_timer, METH_NOARGS, nullptr};

ForeignLoop::ForeignLoop(py::Ref object, py::Ref types, io::Driver& driver) noexcept
    : EventLoop(std::move(object), std::move(types), driver) {}

bool ForeignLoop::open() {
  fd_ = driver().descriptor();
  if (fd_ < 0) {
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }
  capsule_ = py::Ref::steal(PyCapsule_New(this, foreign_capsule_name, nullptr));
  if (!capsule_ || PyCapsule_SetContext(capsule_.get(), this) != 0) {
    return false;
  }
  turn_ = py::Ref::steal(PyCFunction_New(&turn_method, capsule_.get()));
  on_timer_ = py::Ref::steal(PyCFunction_New(&timer_method, capsule_.get()));
  context_ = py::Ref::steal(PyContext_CopyCurrent());
  if (!turn_ || !on_timer_ || !context_ ||
      !py::Ref::steal(PyObject_CallMethod(object(), "add_reader", "iO", fd_, turn_.get()))) {
    return false;
  }
  driver().on_turn_due(this);
  return true;
}

void ForeignLoop::close() {
  if (!turn_) {
    return;
  }
  driver().on_turn_due(nullptr);
  // The loop may keep what it was given to call for as long as it likes.
  PyCapsule_SetContext(capsule_.get(), nullptr);
  checked(PyObject_CallMethod(object(), "remove_reader", "i", fd_), object());
  cancel_timer();
  turn_.reset();
  close_object();
}

py::Ref ForeignLoop::begin(PyObject* coroutine, PyObject* name, const Listener& listener) {
  return make_listened_task(types(), object(), nullptr, coroutine, name, listener);
}

std::size_t ForeignLoop::handle_count() const noexcept {
  return types().handles.live_count() + types().timer_handles.live_count();
}

PyObject* ForeignLoop::on_called(PyObject* capsule, PyObject*) {
  auto* self = static_cast<ForeignLoop*>(PyCapsule_GetContext(capsule));
  if (self != nullptr) {
    self->run_turn();
  }
  Py_RETURN_NONE;
}

PyObject* ForeignLoop::on_timer(PyObject* capsule, PyObject*) {
  auto* self = static_cast<ForeignLoop*>(PyCapsule_GetContext(capsule));
  if (self != nullptr) {
    self->timer_ns_ = io::TimerQueue::never;
    self->run_turn();
  }
  Py_RETURN_NONE;
}

void ForeignLoop::on_turn_due() {
  if (!scheduled_ && !in_turn_) {
    schedule_turn();
  }
}

void ForeignLoop::run_turn() {
  if (driver().inherited()) {
    py::end_forked_child();
  }
  RINGHORN_ASSERT(!in_turn_);
  in_turn_ = true;
  scheduled_ = false;
  driver().flush();
  driver().wait(0);
  driver().dispatch();
  // What the handlers have queued or asked for leaves now: nobody knows when the next turn is.
  driver().flush();
  driver().wait(0);
  in_turn_ = false;
  if (driver().has_completions()) {
    schedule_turn();
  }
  arm_timer();
  RINGHORN_ASSERT(PyErr_Occurred() == nullptr);
}

void ForeignLoop::schedule_turn() {
  // Whoever queued something may be on the way out with an exception.
  py::Ref pending = py::fetch_exception();
  PyObject* arguments[] = {object(), turn_.get(), context_.get()};
  scheduled_ = static_cast<bool>(call("call_soon", arguments, 2));
  if (pending) {
    py::raise(std::move(pending));
  }
}

/// A call that is to come too early stays: deadlines mostly move away, and then it does nothing.
void ForeignLoop::arm_timer() {
  const base::Nanoseconds next_ns = driver().timers().next_deadline_ns();
  if (next_ns >= timer_ns_) {
    return;
  }
  cancel_timer();
  // Whole milliseconds, rounded up: uvloop rounds to the nearest, and a call that comes early is
  // asked for again.
  const base::Nanoseconds left_ms =
      (std::max<base::Nanoseconds>(next_ns - base::monotonic_ns(), 0) + base::ns_per_ms - 1) /
      base::ns_per_ms;
  const py::Ref seconds = py::Ref::steal(PyFloat_FromDouble(static_cast<double>(left_ms) / 1000));
  PyObject* arguments[] = {object(), seconds.get(), on_timer_.get(), context_.get()};
  timer_ = seconds ? call("call_later", arguments, 3) : py::Ref();
  timer_ns_ = timer_ ? next_ns : io::TimerQueue::never;
}

/// Calls a method of the loop, in `arguments[0]`; the last argument is `context`.
py::Ref ForeignLoop::call(const char* method, PyObject* const* arguments, std::size_t positional) {
  const py::Ref name = py::Ref::steal(PyUnicode_InternFromString(method));
  const py::Ref keywords = py::Ref::steal(Py_BuildValue("(s)", "context"));
  return checked(name && keywords
                     ? PyObject_VectorcallMethod(name.get(), arguments, positional, keywords.get())
                     : nullptr,
                 object());
}

void ForeignLoop::cancel_timer() {
  if (const py::Ref timer = std::move(timer_)) {
    checked(PyObject_CallMethod(timer.get(), "cancel", nullptr), object());
  }
}

}  // namespace ringhorn::loop
