/// NativeLoop is the EventLoop that waits in the driver itself: a LoopCore object and what the
/// worker needs of its inside. A turn is: arm what waits for descriptors, flush, wait (the GIL is
/// released only if nothing is at hand), dispatch the completions, run what is ready by then.
#pragma once

#include <cstddef>

#include <ringhorn/loop/event_loop.hpp>

namespace ringhorn::loop {

class Core;

class NativeLoop final : public EventLoop {
 public:
  /// `object` is a LoopCore that was never run; it runs on `driver` from now on.
  NativeLoop(py::Ref object, py::Ref types, io::Driver& driver) noexcept;
  ~NativeLoop() override { close(); }

  void close() override;
  py::Ref begin(PyObject* coroutine, PyObject* name, const Listener& listener) override;
  void note_phase(std::atomic<telemetry::LoopPhase>& where) override;
  std::size_t handle_count() const noexcept override;

 private:
  Core& core_;
  bool closed_ = false;
};

}  // namespace ringhorn::loop
