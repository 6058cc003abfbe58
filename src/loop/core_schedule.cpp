// Callbacks, timers and descriptors: how they get into a loop.
#include "core.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cmath>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/base/clock.hpp>

#include "types.hpp"

namespace ringhorn::loop {

namespace {

/// Rounded up: a callback never comes before its time.
base::Nanoseconds to_ns(double seconds) {
  // Far away, yet below TimerQueue::never; also where infinity and NaN go.
  constexpr double ns_max = 4e18;
  const double ns = std::ceil(seconds * static_cast<double>(base::ns_per_s));
  if (!(ns < ns_max)) {
    return static_cast<base::Nanoseconds>(ns_max);
  }
  return ns > 0 ? static_cast<base::Nanoseconds>(ns) : 0;
}

}  // namespace

PyObject* Core::schedule(const Call& call) {
  if (call.context != nullptr && call.context == captured_context_) {
    // The step of a task that begin() is making: it runs there, at once.
    captured_step_ = py::Ref::borrow(call.callback);
    captured_context_ = nullptr;
    Py_RETURN_NONE;
  }
  HandleObject* handle = make_handle(types_, self_, call);
  if (handle == nullptr) {
    return nullptr;
  }
  (making_newcomer_ ? newcomers_ : ready_).push(handle);
  return Py_NewRef(as_object(handle));
}

PyObject* Core::schedule_at(const Call& call, double when) {
  TimerHandleObject* handle = make_timer_handle(types_, self_, call, when);
  if (handle == nullptr) {
    return nullptr;
  }
  timers_.arm(handle->timer, to_ns(when));
  armed_.push_back(handle->timer);
  return Py_NewRef(as_object(&handle->handle));
}

PyObject* Core::schedule_threadsafe(const Call& call) {
  HandleObject* handle = make_handle(types_, self_, call);
  if (handle == nullptr) {
    return nullptr;
  }
  ready_.push(handle);
  wake();
  return Py_NewRef(as_object(handle));
}

void Core::disarm(HandleTimer& timer) noexcept {
  if (timer.armed()) {
    timers_.disarm(timer);
    timer.unlink();
    Py_DECREF(as_object(&timer.owner().handle));
  }
}

void Core::on_timer(HandleTimer& timer) {
  timer.unlink();
  came_in_.push(&timer.owner().handle);
}

PyObject* Core::watch(int fd, Direction direction, const Call& call) {
  if (::fcntl(fd, F_GETFD) < 0) {
    return PyErr_SetFromErrno(PyExc_OSError);
  }
  HandleObject* handle = make_handle(types_, self_, call);
  if (handle == nullptr) {
    return nullptr;
  }
  py::Ref result = py::Ref::borrow(as_object(handle));
  if (!watches_.add(fd, direction, handle)) {
    return nullptr;
  }
  submit_stops();
  return result.release();
}

int Core::unwatch(int fd, Direction direction) {
  const int removed = watches_.remove(fd, direction);
  submit_stops();
  return removed;
}

/// The kernel hears at once of polls that were removed. A driver belongs to its thread: from any
/// other, the loop is merely made to look.
void Core::submit_stops() {
  if (on_other_thread()) {
    return wake();
  }
  if (watches_.stop_removed()) {
    io::Driver* driver = in_run() ? running_driver_ : attached_driver_;
    RINGHORN_ASSERT(driver != nullptr);
    driver->wait(0);
  }
}

bool Core::on_other_thread() const noexcept {
  return thread_id != 0 && thread_id != PyThread_get_thread_ident();
}

bool Core::check_closed() const {
  if (closed) {
    PyErr_SetString(PyExc_RuntimeError, "Event loop is closed");
  }
  return !closed;
}

bool Core::check_thread() const {
  if (on_other_thread()) {
    PyErr_SetString(PyExc_RuntimeError,
                    "Non-thread-safe operation invoked on an event loop other than the current "
                    "one");
    return false;
  }
  return true;
}

}  // namespace ringhorn::loop
