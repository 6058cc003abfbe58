/// Signals turns SIGINT and SIGTERM into a call in the event loop: the first asks the worker to
/// stop gracefully; the second, or the first while nothing is served yet, raises KeyboardInterrupt
/// where Python code runs, so that even an application that blocks the loop is left at once, and
/// out of the loop if it runs on all the same. Needs the GIL.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include <ringhorn/py/ref.hpp>

namespace ringhorn::worker {

class Signals {
 public:
  Signals() = default;
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { restore(); }

  /// Takes the signals over; `loop` is borrowed and must run for `on_stop` to be called. False with
  /// an exception set on failure. REQUIRES: this is the main thread
  bool install(PyObject* loop, std::function<void()> on_stop);
  /// `in_child` is called in each child that Python code forks, once its signals are its own.
  void on_fork(std::function<void()> in_child) { on_fork_ = std::move(in_child); }
  /// From now on the first signal is graceful.
  void allow_graceful() noexcept { graceful_ = true; }
  /// One more signal is graceful: what the first began has only been announced.
  void allow_another() noexcept { another_ = true; }
  /// Gives the signals back to whoever had them.
  void restore();

  /// The signal that asked to stop; 0 if none did.
  int received() const noexcept { return received_; }
  /// KeyboardInterrupt was raised by us: leave at once.
  bool interrupted() const noexcept { return interrupted_; }

 private:
  static PyObject* on_python_signal(PyObject* capsule, PyObject* const* arguments,
                                    Py_ssize_t count);
  static PyObject* on_loop_signal(PyObject* capsule, PyObject* unused);
  static PyObject* on_forked(PyObject* capsule, PyObject* unused);
  static PyMethodDef python_method;
  static PyMethodDef loop_method;
  static PyMethodDef fork_method;

  bool watch_forks();
  bool give_back(std::size_t index);

  std::function<void()> on_stop_;
  std::function<void()> on_fork_;
  py::Ref loop_;
  py::Ref module_;
  py::Ref previous_[2];
  py::Ref fork_capsule_;  ///< outlives this: Python keeps what is called after a fork for ever
  int received_ = 0;
  bool graceful_ = false;
  bool interrupted_ = false;
  bool untold_ = false;  ///< a signal of which `on_stop_` has not heard
  bool another_ = false;
};

}  // namespace ringhorn::worker
