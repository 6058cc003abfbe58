#include <ringhorn/loop/parking.hpp>

#include <ringhorn/loop/event_loop.hpp>

#include "task_coroutine.hpp"
#include "types.hpp"

namespace ringhorn::loop {

py::Ref Parking::wait(EventLoop& loop) {
  if (!offered_) {
    future_ = loop.make_future();
  }
  offered_ = false;
  if (!future_ || !loop.types().set_awaited(future_.get(), true)) {
    return {};
  }
  return future_;
}

void Parking::wake(EventLoop& loop, PyObject* future) {
  if (parked_ != nullptr && task_coroutine_of(parked_).schedule_step(future)) {
    return;
  }
  // It may be cancelled by now: then its task wakes by itself.
  if (!loop.types().resolve(future)) {
    PyErr_Clear();
  }
}

void Parking::offer(PyObject* future) {
  future_ = py::Ref::borrow(future);
  offered_ = true;
}

}  // namespace ringhorn::loop
