#include "native_loop.hpp"

#include <utility>

#include <ringhorn/base/assert.hpp>

#include "core.hpp"
#include "types.hpp"

namespace ringhorn::loop {

NativeLoop::NativeLoop(py::Ref object, py::Ref types, io::Driver& driver) noexcept
    : EventLoop(std::move(object), std::move(types), driver), core_(core_of(this->object())) {
  core_.attach(driver);
}

void NativeLoop::close() {
  RINGHORN_ASSERT(!core_.in_run());
  if (std::exchange(closed_, true)) {
    return;
  }
  close_object();
  core_.clear();
  core_.detach();
}

py::Ref NativeLoop::begin(PyObject* coroutine, PyObject* name, const Listener& listener) {
  return core_.begin(coroutine, name, listener);
}

void NativeLoop::note_phase(std::atomic<telemetry::LoopPhase>& where) {
  core_.note_phase(where);
}

std::size_t NativeLoop::handle_count() const noexcept {
  return types().handles.live_count() + types().timer_handles.live_count();
}

}  // namespace ringhorn::loop
