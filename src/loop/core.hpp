/// Core is the native part of an event loop: its ready queue, its timers, its watched descriptors,
/// and the turn that runs them on a driver. The Python type LoopCore (core_type.cpp), first base of
/// EventLoop, holds one; its methods are thin shells around this class. Needs the GIL, which also
/// makes schedule_threadsafe() safe: nothing in here lets go of it but a real wait.
///
/// A loop has a driver of its own, made by each run in the thread that runs (a ring belongs to a
/// thread, and a loop may be made in one and run in another), or the one that attach() gave it.
/// Timers are kept in a queue of the loop, so that they need no driver; the earliest stands in the
/// driver's queue as one alarm.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/io/timer.hpp>
#include <ringhorn/loop/event_loop.hpp>
#include <ringhorn/py/forked.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/telemetry/board.hpp>

#include "handle.hpp"
#include "ready_queue.hpp"
#include "stream.hpp"
#include "watches.hpp"

namespace ringhorn::loop {

struct Types;

class Core {
 public:
  /// `self`, borrowed, is the Python object around it; `types` is of Types::find_or_make().
  Core(PyObject* self, py::Ref types) noexcept;
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  /// REQUIRES: clear() was called; detached or never attached
  ~Core();

  Types& types() const noexcept { return types_; }

  /// call_soon, call_at: new references; null with an exception set on failure.
  PyObject* schedule(const Call& call);
  PyObject* schedule_at(const Call& call, double when);
  PyObject* schedule_threadsafe(const Call& call);
  /// Takes a timer out before its time; does nothing after it.
  void disarm(HandleTimer& timer) noexcept;
  /// The time of `timer` has come.
  void on_timer(HandleTimer& timer);

  /// _add_reader and its like: a new reference to the handle; null with an exception set.
  PyObject* watch(int fd, Direction direction, const Call& call);
  /// 1, or 0 when there was none; -1 with an exception set.
  int unwatch(int fd, Direction direction);
  bool watches(int fd, Direction direction) const noexcept { return watches_.has(fd, direction); }

  /// The receiving side of `transport`, a new one: new reference; null with an exception set.
  PyObject* make_stream(PyObject* transport) {
    return loop::make_stream(*this, streams_, transport);
  }
  /// Whether call_protocol() may be called: out of the driver's dispatch, in a run that nothing
  /// ends, and not in debug mode, where each callback has a handle.
  bool may_call_protocols() const noexcept { return calling_ && !failure_ && !debug; }
  /// Calls `function` inside `context`. What makes it false, with an exception set, comes out of
  /// the run. REQUIRES: may_call_protocols()
  template <typename Function>
  void call_protocol(PyObject* context, Function function) {
    const bool nested = std::exchange(in_callback_, true);
    const bool entered = PyContext_Enter(context) == 0;
    const bool called = entered && function();
    end_if_forked();
    if (!called) {
      keep_failure();
    }
    if (entered && PyContext_Exit(context) < 0) {
      keep_failure();
    }
    in_callback_ = nested;
  }

  /// Turns until stop(). False with an exception set when one came out of a callback, of a signal's
  /// handler, or of the set-up. REQUIRES: !in_run()
  bool run();
  bool in_run() const noexcept { return running_driver_ != nullptr; }
  /// REQUIRES: in_run()
  io::Driver& driver() const noexcept { return *running_driver_; }
  /// Whether the loop runs on another thread than this.
  bool on_other_thread() const noexcept;
  void stop() noexcept { stopping = true; }
  /// Makes the wait that is under way return, or the next one not block. From any thread.
  void wake() noexcept;
  /// Calls the handle as a turn would: what it raises is reported. False when SystemExit or
  /// KeyboardInterrupt came out of it.
  bool run_handle(HandleObject& handle);

  /// As EventLoop::begin.
  py::Ref begin(PyObject* coroutine, PyObject* name, const Listener& listener);
  /// As PyIter_Send(coroutine, None, result): a step of the coroutine of `task` in which the task
  /// has no part. In the task's context.
  PySendResult step_without(PyObject* task, PyObject* coroutine, PyObject** result);
  /// Somebody looks at the current task: a coroutine in its first step gets one. False with an
  /// exception set on failure.
  bool reveal_task();

  /// Runs on `driver` from now on, until detach(). REQUIRES: !in_run()
  void attach(io::Driver& driver) noexcept { attached_driver_ = &driver; }
  /// As EventLoop::note_phase.
  void note_phase(std::atomic<telemetry::LoopPhase>& where) noexcept;
  /// Forgets the driver once it has let go of every descriptor.
  void detach();
  /// Drops all that waits to be called.
  void clear();
  int traverse(visitproc visit, void* arg);

  /// Texts and types as of asyncio's _check_closed() and _check_thread().
  bool check_closed() const;
  bool check_thread() const;

  // What BaseEventLoop keeps in attributes: LoopCore has descriptors of these names.
  bool closed = false;
  bool stopping = false;
  bool debug = false;
  unsigned long thread_id = 0;  ///< of the thread that runs it; 0: none
  py::Ref current_handle;       ///< in debug mode, while it runs

 private:
  class Alarm final : public io::Timer {
    void on_expired() override {}
  };

  /// Python code has forked in a callback, and this is the child: it has no loop to go on with.
  void end_if_forked() const {
    if (in_run() && running_driver_->inherited()) {
      py::end_forked_child();
    }
  }
  void note(telemetry::LoopPhase phase) const noexcept;
  bool set_up();
  void tear_down();
  bool turn();
  bool wait();
  bool has_work() const noexcept;
  void set_alarm();
  bool let_others_run();
  bool run(ReadyQueue& queue, std::size_t count);
  bool run_handle_watched(HandleObject& handle);
  bool report(HandleObject& handle);
  void keep_failure();
  void submit_stops();

  struct Step;
  struct FirstStep;
  py::Ref make_task(PyObject* coroutine, PyObject* name, PyObject* option);
  py::Ref step_at_once(PyObject* coroutine, PyObject* name, const Listener& listener);
  PySendResult run_step(Step& step, PyObject* coroutine, PyObject** result);
  bool make_task_of(FirstStep& step);
  bool enter_or_leave(const py::Ref& function, const py::Ref& task);
  py::Ref go_on(FirstStep& step, PySendResult sent, py::Ref given);

  PyObject* self_;
  py::Ref types_owner_;
  Types& types_;

  ReadyQueue ready_;              ///< scheduled by callbacks, or by other threads
  ReadyQueue came_in_;            ///< what a turn has found: descriptors that are ready, due timers
  ReadyQueue newcomers_;          ///< first steps of tasks that begin() made while others went on
  std::size_t going_on_ = 0;      ///< how many in ready_ were scheduled by those that ran before
  bool making_newcomer_ = false;  ///< begin() makes one
  io::TimerQueue timers_;
  base::IntrusiveList<HandleTimer, ArmedTag> armed_;  ///< owns a reference to each handle
  Watches watches_;
  Streams streams_{*this};

  io::Driver* attached_driver_ = nullptr;
  std::unique_ptr<io::Driver> own_driver_;
  io::Driver* running_driver_ = nullptr;  ///< null when not in run()
  Alarm alarm_;
  std::atomic<telemetry::LoopPhase>* phase_ = nullptr;  ///< null: nobody watches from outside
  base::Nanoseconds gil_offered_ns_ = 0;
  bool waiting_ = false;      ///< the GIL is released and the driver waits
  bool calling_ = false;      ///< a run dispatches what comes
  py::Ref failure_;           ///< came out of a protocol, and goes out of the run
  bool in_callback_ = false;  ///< Python code of the loop's or of a task's is being run

  py::Ref task_options_;  ///< keyword arguments of asyncio.Task: loop, name, and the one below
  py::Ref task_name_;     ///< the name in there
  Step* step_ = nullptr;  ///< of a coroutine without its task, that is being run
  PyObject* captured_context_ = nullptr;  ///< borrowed: of the task that is being made for it
  py::Ref captured_step_;                 ///< what that task has scheduled
};

/// The Python object: LoopCore.
struct CoreObject {
  PyObject_HEAD Core core;
};

/// REQUIRES: `loop` is a LoopCore
inline Core& core_of(PyObject* loop) noexcept {
  return reinterpret_cast<CoreObject*>(loop)->core;
}

/// The type; null with an exception set on failure.
PyObject* make_core_type();

}  // namespace ringhorn::loop
