#include "load.hpp"

#include <unistd.h>

#include <utility>

#include <ringhorn/py/error.hpp>
#include <ringhorn/py/importer.hpp>

namespace ringhorn::worker {

namespace {

/// What --env-file adds. False with an exception set.
bool set_environment(const config::Options& options) {
  const py::Ref os = py::Ref::steal(PyImport_ImportModule("os"));
  const py::Ref environment =
      os ? py::Ref::steal(PyObject_GetAttrString(os.get(), "environ")) : py::Ref();
  for (const auto& [name, value] : options.environment) {
    const py::Ref key = py::Ref::steal(PyUnicode_DecodeFSDefault(name.c_str()));
    const py::Ref text = py::Ref::steal(PyUnicode_DecodeFSDefault(value.c_str()));
    if (!environment || !key || !text ||
        PyObject_SetItem(environment.get(), key.get(), text.get()) < 0) {
      return false;
    }
  }
  return static_cast<bool>(environment);
}

}  // namespace

base::Result<py::Ref, std::string> load_app(const config::Options& options, PyObject* loop,
                                            telemetry::Log& log) {
  if (!set_environment(options)) {
    return base::Failure{py::format_exception(py::fetch_exception().get())};
  }
  auto imported = py::import_app({options.app, options.factory, loop});
  if (!imported) {
    const bool traceback = imported.error().find('\n') != std::string::npos;
    return base::Failure{(traceback ? "Error loading ASGI app.\n" : "Error loading ASGI app. ") +
                         imported.error()};
  }
  if (!imported.value().warning.empty()) {
    log.warning(imported.value().warning);
  }
  return std::move(imported.value().app);
}

bool show_stacks_on_abort() {
  const py::Ref faulthandler = py::Ref::steal(PyImport_ImportModule("faulthandler"));
  return faulthandler &&
         py::Ref::steal(PyObject_CallMethod(faulthandler.get(), "enable", "i", STDERR_FILENO));
}

}  // namespace ringhorn::worker
