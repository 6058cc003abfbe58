// Door 2: the extension module `_ringhorn`; and what both doors share.
#include "module.hpp"

#include <unistd.h>

#include <cstdio>

#include <ringhorn/config/parse.hpp>
#include <ringhorn/loop/loop_module.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/supervisor/listeners.hpp>
#include <ringhorn/telemetry/log.hpp>
#include <ringhorn/worker/worker.hpp>

namespace ringhorn {

namespace {

telemetry::Colors to_colors(const std::optional<bool>& use_colors) {
  if (!use_colors) {
    return telemetry::Colors::automatic;
  }
  return *use_colors ? telemetry::Colors::always : telemetry::Colors::never;
}

telemetry::Level to_level(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::critical:
      return telemetry::Level::critical;
    case config::LogLevel::error:
      return telemetry::Level::error;
    case config::LogLevel::warning:
      return telemetry::Level::warning;
    case config::LogLevel::info:
      return telemetry::Level::info;
    case config::LogLevel::debug:
      return telemetry::Level::debug;
    case config::LogLevel::trace:
      break;
  }
  return telemetry::Level::trace;
}

void flush_python() {
  for (const char* name : {"stdout", "stderr"}) {
    PyObject* stream = PySys_GetObject(name);
    if (stream != nullptr && stream != Py_None) {
      const py::Ref done = py::Ref::steal(PyObject_CallMethod(stream, "flush", nullptr));
      if (!done) {
        PyErr_Clear();
      }
    }
  }
}

bool to_strings(PyObject* list, std::vector<std::string>& strings) {
  const py::Ref items = py::Ref::steal(PySequence_List(list));
  for (Py_ssize_t i = 0; items && i < PyList_GET_SIZE(items.get()); ++i) {
    const py::Ref bytes =
        py::Ref::steal(PyUnicode_EncodeFSDefault(PyList_GET_ITEM(items.get(), i)));
    if (!bytes) {
      return false;
    }
    strings.emplace_back(PyBytes_AS_STRING(bytes.get()));
  }
  return static_cast<bool>(items);
}

/// main(arguments) -> exit status
PyObject* module_main(PyObject*, PyObject* arguments) {
  std::vector<std::string> strings;
  if (!to_strings(arguments, strings)) {
    return nullptr;
  }
  int status = 0;
  const std::optional<config::Options> options = read_options(strings, status);
  return PyLong_FromLong(options ? serve(*options) : status);
}

PyMethodDef methods[] = {
    {"main", module_main, METH_O, "main(arguments): the command line; returns the exit status."},
    {},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "_ringhorn",
                          "The native core of Ringhorn.",
                          -1,
                          methods,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

std::optional<config::Options> read_options(const std::vector<std::string>& arguments,
                                            int& status) {
  auto options = config::parse(arguments, config::process_environment(), PY_VERSION,
                               config::process_variable_names());
  if (options) {
    return options.take_value();
  }
  status = options.error().status;
  std::FILE* stream = status == 0 ? stdout : stderr;
  std::fwrite(options.error().text.data(), 1, options.error().text.size(), stream);
  std::fflush(stream);
  return std::nullopt;
}

int serve(const config::Options& options) {
  worker::Outcome outcome{};
  {
    telemetry::Log log(to_level(options.log_level), to_colors(options.use_colors), STDERR_FILENO,
                       STDOUT_FILENO);
    const config::Environment environment = config::process_environment();
    const auto open_listeners = [&] {
      return supervisor::open_listeners(options, supervisor::activated_descriptors(environment));
    };
    outcome = worker::run(options, log,
                          {open_listeners, environment("RINGHORN_DEBUG_COUNTS").has_value()});
  }
  if (outcome.at_once) {
    flush_python();
    ::_exit(outcome.status);
  }
  return outcome.status;
}

}  // namespace ringhorn

PyMODINIT_FUNC PyInit__ringhorn() {
  ringhorn::py::Ref module = ringhorn::py::Ref::steal(PyModule_Create(&ringhorn::definition));
  if (!module || PyModule_AddStringConstant(module.get(), "__version__", RINGHORN_VERSION) < 0 ||
      ringhorn::loop::add_to_module(module.get()) < 0) {
    return nullptr;
  }
  return module.release();
}
