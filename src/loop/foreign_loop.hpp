/// ForeignLoop is the EventLoop that runs a driver's turns inside an asyncio loop that knows
/// nothing of it. Correct before quick: a turn costs a callback of that loop, and the driver never
/// waits.
///
/// Theory. The driver wants a turn in three cases, and each has a callback of the loop's: something
/// ended in the kernel (a reader on the driver's descriptor), a timer is due (call_later), and
/// something was started or queued since the last turn (call_soon, asked for by on_turn_due()). All
/// three run the same turn, and one too many does no harm: a timer, too, may come early.
#pragma once

#include <cstddef>

#include <ringhorn/loop/event_loop.hpp>

namespace ringhorn::loop {

class ForeignLoop final : public EventLoop, private io::TurnHandler {
 public:
  /// Not usable before open() has succeeded. `types` is of Types::find_or_make().
  ForeignLoop(py::Ref object, py::Ref types, io::Driver& driver) noexcept;
  ~ForeignLoop() override { close(); }

  /// Has the loop watch the driver. False with an exception set on failure.
  bool open();

  void close() override;
  py::Ref begin(PyObject* coroutine, PyObject* name, const Listener& listener) override;
  std::size_t handle_count() const noexcept override;

 private:
  void on_turn_due() override;
  static PyObject* on_called(PyObject* capsule, PyObject* unused);
  static PyObject* on_timer(PyObject* capsule, PyObject* unused);
  static PyMethodDef turn_method;
  static PyMethodDef timer_method;

  void run_turn();
  void schedule_turn();
  void arm_timer();
  void cancel_timer();
  py::Ref call(const char* method, PyObject* const* arguments, std::size_t positional);

  int fd_ = -1;       ///< the driver's descriptor
  py::Ref capsule_;   ///< the way from `turn_` to this; its context is null after close()
  py::Ref turn_;      ///< what the loop calls
  py::Ref on_timer_;  ///< what it calls when a timer is due
  /// The context of every turn: it is asked for in the middle of requests, and what they keep in
  /// theirs must not reach the next one.
  py::Ref context_;
  py::Ref timer_;  ///< the handle of the call that is to come at `timer_ns_`
  base::Nanoseconds timer_ns_ = io::TimerQueue::never;
  bool scheduled_ = false;  ///< `turn_` is in the loop's queue
  bool in_turn_ = false;
};

}  // namespace ringhorn::loop
