/// Lifespan tells the application when its worker starts and stops (ASGI lifespan 2.0). Cold: its
/// protocol is written in Python (lifespan.py), this is the C++ end of it. Needs the GIL.
#pragma once

#include <memory>
#include <string>

#include <ringhorn/base/result.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/telemetry/log.hpp>

namespace ringhorn::asgi {

enum class LifespanMode { automatic, on, off };

class Lifespan {
 public:
  /// `app` is called in the loop that is current when startup() runs. On failure the text of the
  /// exception.
  static base::Result<std::unique_ptr<Lifespan>, std::string> make(PyObject* app, LifespanMode mode,
                                                                   telemetry::Log& log);

  /// Coroutines for the loop to run: True when all went well. Empty with an exception set on
  /// failure.
  py::Ref startup();
  py::Ref shutdown();
  /// The namespace for the requests' `state`, borrowed; null when the application has no lifespan.
  py::Ref state() const;

 private:
  explicit Lifespan(py::Ref object) : object_(std::move(object)) {}

  py::Ref object_;
};

}  // namespace ringhorn::asgi
