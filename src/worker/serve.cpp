// A worker at work.
#include <ringhorn/telemetry/banner.hpp>

#include "worker.hpp"

namespace ringhorn::worker {

/// Until a signal asks to stop.
void Worker::serve() {
  signals_.allow_graceful();
  // What is loaded by now stays: the collector need not look at it again and again.
  const py::Ref gc = py::Ref::steal(PyImport_ImportModule("gc"));
  if (!gc || !py::Ref::steal(PyObject_CallMethod(gc.get(), "freeze", nullptr))) {
    PyErr_Clear();
  }
  server_->start();
  for (const sock::Listening& listening : listeners_) {
    log_.info(telemetry::running_on(listening.to_string(), log_));
  }
  run_loop();
}

}  // namespace ringhorn::worker
