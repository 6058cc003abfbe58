#include <ringhorn/loop/event_loop.hpp>

#include <utility>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/py/error.hpp>

#include "core.hpp"
#include "types.hpp"

namespace ringhorn::loop {

base::Result<std::unique_ptr<EventLoop>, std::string> EventLoop::make(io::Driver& driver) {
  const py::Ref types = Types::find_or_make();
  py::Ref object =
      types ? py::Ref::steal(PyObject_CallNoArgs(Types::of(types).loop_class.get())) : py::Ref();
  if (!object) {
    return base::Failure{py::format_exception(py::fetch_exception().get())};
  }
  Core& core = core_of(object.get());
  core.attach(driver);
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(object), core, driver));
}

EventLoop::EventLoop(py::Ref object, Core& core, io::Driver& driver) noexcept
    : object_(std::move(object)), core_(core), driver_(driver) {}

EventLoop::~EventLoop() {
  close();
}

bool EventLoop::run() {
  return static_cast<bool>(
      py::Ref::steal(PyObject_CallMethod(object_.get(), "run_forever", nullptr)));
}

void EventLoop::stop() noexcept {
  core_.stop();
}

void EventLoop::close() {
  RINGHORN_ASSERT(!core_.in_run());
  const py::Ref closed = py::Ref::steal(PyObject_CallMethod(object_.get(), "close", nullptr));
  if (!closed) {
    // Nobody is left who could do something about it.
    PyErr_WriteUnraisable(object_.get());
  }
  core_.clear();
  core_.detach();
}

py::Ref EventLoop::start_task(PyObject* coroutine, PyObject* name) {
  return core_.start_task(coroutine, name);
}

std::size_t EventLoop::handle_count() const noexcept {
  const Types& types = core_.types();
  return types.handles.live_count() + types.timer_handles.live_count();
}

}  // namespace ringhorn::loop
