/// EventLoop is the native asyncio event loop of one thread: a Python object that inherits from
/// asyncio's selector loop and has its hot methods in C++, running on an io::Driver. The worker
/// makes one and runs it; `asgi` starts its tasks. It never installs an event loop policy or a task
/// factory: what the application sees is plain asyncio. Needs the GIL throughout.
///
/// A turn is: arm what waits for descriptors, flush, wait (the GIL is released only if nothing is
/// at hand), dispatch the completions, run the callbacks that are ready by then.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <ringhorn/base/result.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/py/ref.hpp>

namespace ringhorn::loop {

class Core;

class EventLoop {
 public:
  /// A loop that runs on `driver`, which must outlive it. On failure the text of the exception.
  static base::Result<std::unique_ptr<EventLoop>, std::string> make(io::Driver& driver);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  /// Closes the loop. The Python object may live on: it refuses to run, as any closed loop.
  ~EventLoop();

  /// The asyncio loop, borrowed.
  PyObject* object() const noexcept { return object_.get(); }
  io::Driver& driver() const noexcept { return driver_; }

  /// `run_forever()`: runs until stop(). False with an exception set when one came out of it
  /// (KeyboardInterrupt, SystemExit, or that the loop cannot run).
  bool run();
  /// Ends run() after the callbacks that are ready. May be called before it, and from a handler.
  void stop() noexcept;
  /// `close()`, then waits until the driver has let go of every descriptor that was watched: other
  /// handlers of the driver may run meanwhile. REQUIRES: the loop does not run
  void close();

  /// Makes an asyncio.Task named `name` (a str) of `coroutine` and runs its first step at once,
  /// inside a copy of the current context, as the current task: a coroutine that never has to wait
  /// is done when this returns. The step is left to the loop, as asyncio does, when the loop does
  /// not run, when it is in debug mode, and when a callback or another task is being run: a request
  /// is never stepped inside another one. Empty with an exception set on failure, and when
  /// SystemExit or KeyboardInterrupt came out of the step.
  py::Ref start_task(PyObject* coroutine, PyObject* name);

  /// Handles that are alive in this interpreter, for the count at exit.
  std::size_t handle_count() const noexcept;

 private:
  EventLoop(py::Ref object, Core& core, io::Driver& driver) noexcept;

  py::Ref object_;
  Core& core_;
  io::Driver& driver_;
};

}  // namespace ringhorn::loop
