#include "worker.hpp"

#include <string>

#include <ringhorn/py/error.hpp>

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
  if (!result) {
    take_interrupt();
  }
  return result;
}

void Worker::run_loop() {
  // A signal that came since Python code ran last has not told the loop yet.
  const bool going = PyErr_CheckSignals() == 0;
  const py::Ref done =
      going ? py::Ref::steal(PyObject_CallMethod(loop_->object(), "run_forever", nullptr))
            : py::Ref();
  if (!done) {
    take_interrupt();
  }
}

void Worker::stop_loop() {
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
