#include <ringhorn/asgi/lifespan.hpp>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/py/error.hpp>
#include <ringhorn/py/source.hpp>

#include "lifespan_source.hpp"

namespace ringhorn::asgi {

namespace {

constexpr const char* log_name = "ringhorn.log";

/// log("error" or "info", text, exception or None): one record in the server's log.
PyObject* write_log(PyObject* capsule, PyObject* const* arguments, Py_ssize_t count) {
  auto* log = static_cast<telemetry::Log*>(PyCapsule_GetPointer(capsule, log_name));
  if (log == nullptr) {
    return nullptr;
  }
  RINGHORN_ASSERT(count == 3);
  std::string text = py::to_string(arguments[1]);
  if (arguments[2] != Py_None) {
    text += "\n" + py::format_exception(arguments[2]);
  }
  log->write(
      py::to_string(arguments[0]) == "error" ? telemetry::Level::error : telemetry::Level::info,
      text);
  Py_RETURN_NONE;
}

PyMethodDef log_method = {"log",
                          reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(write_log)),
                          METH_FASTCALL, nullptr};

const char* mode_name(LifespanMode mode) {
  return mode == LifespanMode::on ? "on" : mode == LifespanMode::off ? "off" : "auto";
}

}  // namespace

base::Result<std::unique_ptr<Lifespan>, std::string> Lifespan::make(PyObject* app,
                                                                    LifespanMode mode,
                                                                    telemetry::Log& log) {
  const py::Ref module = py::run_source("ringhorn.lifespan", py::lifespan_source);
  const py::Ref capsule = py::Ref::steal(PyCapsule_New(&log, log_name, nullptr));
  const py::Ref log_function =
      capsule ? py::Ref::steal(PyCFunction_New(&log_method, capsule.get())) : py::Ref();
  py::Ref object = module && log_function
                       ? py::Ref::steal(PyObject_CallMethod(module.get(), "Lifespan", "OsO", app,
                                                            mode_name(mode), log_function.get()))
                       : py::Ref();
  if (!object) {
    return base::Failure{py::format_exception(py::fetch_exception().get())};
  }
  return std::unique_ptr<Lifespan>(new Lifespan(std::move(object)));
}

py::Ref Lifespan::startup() {
  return py::Ref::steal(PyObject_CallMethod(object_.get(), "startup", nullptr));
}

py::Ref Lifespan::shutdown() {
  return py::Ref::steal(PyObject_CallMethod(object_.get(), "shutdown", nullptr));
}

py::Ref Lifespan::state() const {
  py::Ref state = py::Ref::steal(PyObject_GetAttrString(object_.get(), "state"));
  return state.get() == Py_None ? py::Ref() : state;
}

}  // namespace ringhorn::asgi
