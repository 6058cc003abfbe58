#include "worker.hpp"

#include <string>
#include <utility>

#include <ringhorn/py/error.hpp>
#include <ringhorn/py/forked.hpp>

namespace ringhorn::worker {

Outcome Worker::run() {
  if (options_.check_config) {
    check();
    return outcome_;
  }
  if (make_loop() && load() && start_up() && listen()) {
    serve();
    announce();
    drain();
    shut_down();
  }
  release();
  return outcome_;
}

/// As far as the application can be looked at without starting it.
void Worker::check() {
  if (make_loop() && load()) {
    log_.info("The configuration is right: " + options_.app + " can be served.");
  }
  release();
}

/// Runs the loop until `coroutine` has ended: its result, or empty after an error was dealt with.
py::Ref Worker::await(py::Ref coroutine) {
  py::Ref result = coroutine ? py::Ref::steal(PyObject_CallMethod(
                                   loop_->object(), "run_until_complete", "O", coroutine.get()))
                             : py::Ref();
  end_if_forked();
  if (!result) {
    take_interrupt();
  }
  return result;
}

void Worker::run_loop() {
  bool runs = true;
  while (runs) {
    // A signal that came since Python code ran last has not told the loop yet.
    const bool going = PyErr_CheckSignals() == 0;
    const py::Ref done =
        going ? py::Ref::steal(PyObject_CallMethod(loop_->object(), "run_forever", nullptr))
              : py::Ref();
    end_if_forked();
    if (done) {
      break;
    }
    // A loop that raises has forgotten that it was told to stop.
    runs = forgive_exit() && !stop_asked_;
  }
  if (PyErr_Occurred() != nullptr) {
    take_interrupt();
  }
  stop_asked_ = false;
}

/// asyncio lets SystemExit through, whoever raises it: one that ends a call of the application is
/// its failure, and no reason to end the server. False with the exception still set.
bool Worker::forgive_exit() {
  if (PyErr_ExceptionMatches(PyExc_SystemExit) == 0) {
    return false;
  }
  py::Ref exception = py::fetch_exception();
  if (application_->ended_with(exception.get())) {
    return true;
  }
  py::raise(std::move(exception));
  return false;
}

/// The native loop has done it where the child was forked; others let it come back.
void Worker::end_if_forked() const {
  if (driver_->inherited()) {
    py::end_forked_child();
  }
}

void Worker::stop_loop() {
  stop_asked_ = true;
  const py::Ref done = py::Ref::steal(PyObject_CallMethod(loop_->object(), "stop", nullptr));
  if (!done) {
    PyErr_Clear();
  }
}

/// What came out of the loop: a signal's interrupt, or one that the application raised.
void Worker::take_interrupt() {
  const py::Ref exception = py::fetch_exception();
  if (exception && !signals_.interrupted()) {
    log_.error("The application stopped the server:\n" + py::format_exception(exception.get()));
    outcome_.status = exit_app_interrupt;
  }
}

Outcome run(const config::Options& options, telemetry::Log& log, const Surroundings& surroundings) {
  Worker worker(options, log, surroundings);
  return worker.run();
}

}  // namespace ringhorn::worker
