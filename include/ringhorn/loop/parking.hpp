/// Parking is where a coroutine of EventLoop::begin waits for what its listener will bring. It
/// yields an asyncio.Future, which any task can wait for. Where that is the coroutine's own task,
/// on the native loop, the task is left waiting: the coroutine goes on without it, in the same turn
/// in which the task would have, time and again, until it ends or waits for something else. The
/// task hears of that, as of a step of its own. Needs the GIL.
#pragma once

#include <ringhorn/py/ref.hpp>

namespace ringhorn::loop {

class EventLoop;

class Parking {
 public:
  Parking() = default;
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  /// What an awaitable yields in order to wait, marked as awaited; empty with an exception set. Who
  /// is resumed looks again whether it need wait, and may have to.
  py::Ref wait(EventLoop& loop);
  /// Whoever waits with `future`, which was got from wait(), goes on soon.
  void wake(EventLoop& loop, PyObject* future);

  // --- for TaskCoroutine -----------------------------------------------------------------------
  /// Whether `yielded` is the future that wait() has given last.
  bool gave(PyObject* yielded) const noexcept { return yielded == future_.get(); }
  /// `task_coroutine`, borrowed, can go on without its task.
  void park(PyObject* task_coroutine) noexcept { parked_ = task_coroutine; }
  /// It goes on, or ends.
  void leave() noexcept { parked_ = nullptr; }
  /// Until this is taken back, wait() gives `future` once more, which the task waits for already.
  void offer(PyObject* future);
  void take_back() noexcept { offered_ = false; }

 private:
  py::Ref future_;
  PyObject* parked_ = nullptr;  ///< borrowed
  bool offered_ = false;
};

}  // namespace ringhorn::loop
