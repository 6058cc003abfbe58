/// EventLoop is the asyncio event loop of a worker together with the driver whose turns it runs:
/// the native loop, which waits in the driver, or somebody else's (asyncio, uvloop), which is told
/// when the driver wants a turn. The worker makes one and runs it; `asgi` begins its calls on it.
/// It never installs an event loop policy or a task factory: what the application sees is plain
/// asyncio. Needs the GIL throughout.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <ringhorn/base/result.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/loop/parking.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/telemetry/board.hpp>

namespace ringhorn::loop {

struct Types;

/// Hears how a coroutine ends, once: out of the step that ends it, before its task is done. Does
/// not hear of one that is thrown away half-way.
class Ending {
 public:
  virtual void on_returned(PyObject* result) = 0;
  /// No exception is set while it is called.
  virtual void on_raised(PyObject* exception) = 0;
  /// Where the coroutine waits for what the listener brings, if it does.
  Parking& parking() noexcept { return parking_; }

 protected:
  ~Ending() = default;

 private:
  Parking parking_;
};

struct Listener {
  PyObject* owner;  ///< has `ending` inside it, and is kept alive as long as the coroutine goes on
  Ending& ending;
};

class EventLoop {
 public:
  /// The loop that `choice` names: `auto` or `ringhorn` for the native one, `asyncio`, `uvloop`,
  /// `none` for what asyncio's policy gives, or the `module:factory` of another. It runs `driver`,
  /// which must outlive it. On failure one sentence, or the traceback of the factory's code.
  static base::Result<std::unique_ptr<EventLoop>, std::string> make(io::Driver& driver,
                                                                    const std::string& choice);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  /// REQUIRES: closed
  virtual ~EventLoop() = default;

  /// The asyncio loop, borrowed: it is run, and told to stop, by its own methods.
  PyObject* object() const noexcept { return object_.get(); }
  io::Driver& driver() const noexcept { return driver_; }

  /// `close()`; afterwards the driver knows nothing of the loop, nor of what was watched on it:
  /// other handlers of the driver may run meanwhile. The Python object may live on: it refuses to
  /// run, as any closed loop. Does nothing the second time. REQUIRES: the loop does not run
  virtual void close() = 0;

  /// Runs `coroutine` in an asyncio.Task named `name` (a str) and tells `listener` of its end, or
  /// of a failure to make the task. Its first step may be over when this returns: the native loop
  /// runs it at once, inside a copy of the current context, unless it does not run, is in debug
  /// mode, or is running a callback or another task: a request is never stepped inside another one.
  /// It also lets those pass that were woken by what ran in this turn. The native loop makes the
  /// task when somebody looks at the current task, or when the coroutine goes on after its first
  /// step. Returns the task if the coroutine goes on. Otherwise its end was told, and an exception
  /// is set when SystemExit or KeyboardInterrupt was the end.
  virtual py::Ref begin(PyObject* coroutine, PyObject* name, const Listener& listener) = 0;

  /// Notes in `where`, which outlives the loop, what its thread is at. A loop of somebody else's
  /// notes nothing.
  virtual void note_phase(std::atomic<telemetry::LoopPhase>& where) { static_cast<void>(where); }

  /// An asyncio.Future of this loop; empty with an exception set on failure.
  py::Ref make_future();
  const Types& types() const noexcept;

  /// Native handles that are alive in this interpreter, for the count at exit.
  virtual std::size_t handle_count() const noexcept = 0;

 protected:
  /// `types` is of Types::find_or_make().
  EventLoop(py::Ref object, py::Ref types, io::Driver& driver) noexcept
      : object_(std::move(object)), types_(std::move(types)), driver_(driver) {}

  /// Calls the Python object's close(); an exception is written to stderr.
  void close_object();

 private:
  py::Ref object_;
  py::Ref types_;
  io::Driver& driver_;
};

}  // namespace ringhorn::loop
