// Door 2: the extension module `_ringhorn`.
#include "module.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <ringhorn/config/parse.hpp>
#include <ringhorn/loop/loop_module.hpp>
#include <ringhorn/py/ref.hpp>

#include "doors.hpp"

namespace ringhorn {

namespace {

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

/// How this interpreter was started, to start it so again; empty with an exception set on failure.
std::vector<std::string> own_command() {
  std::vector<std::string> command;
  PyObject* program = PySys_GetObject("executable");
  PyObject* arguments = PySys_GetObject("orig_argv");
  if (program == nullptr || arguments == nullptr || !PyUnicode_Check(program) ||
      PyUnicode_GetLength(program) == 0 || !to_strings(arguments, command) || command.empty()) {
    if (PyErr_Occurred() == nullptr) {
      PyErr_SetString(PyExc_RuntimeError, "this interpreter does not know how it was started");
    }
    return {};
  }
  const py::Ref path = py::Ref::steal(PyUnicode_EncodeFSDefault(program));
  if (!path) {
    return {};
  }
  command[0] = PyBytes_AS_STRING(path.get());
  return command;
}

/// Becomes another program with the same arguments, which takes `assignment` over.
int execute(std::vector<std::string>& command, const supervisor::Assignment& assignment) {
  std::vector<char*> arguments;
  for (std::string& argument : command) {
    arguments.push_back(argument.data());
  }
  arguments.push_back(nullptr);
  ::setenv(supervisor::assignment_variable, supervisor::hand_on(assignment).c_str(), 1);
  ::execv(arguments[0], arguments.data());
  std::fprintf(stderr, "ringhorn: %s cannot be executed: %s\n", arguments[0], std::strerror(errno));
  return 3;
}

/// Workers are programs of their own: an interpreter that has run must not be forked (its imports
/// would never be read anew), and this one stays idle.
PyObject* supervise_programs(const config::Options& options) {
  std::vector<std::string> command = own_command();
  if (command.empty()) {
    return nullptr;
  }
  PyThreadState* const state = PyEval_SaveThread();
  const int status =
      supervise(options, command, [&command](const supervisor::Assignment& assignment) {
        return execute(command, assignment);
      });
  PyEval_RestoreThread(state);
  return PyLong_FromLong(status);
}

/// What a supervisor has left in the environment, which the application need not see.
std::optional<supervisor::Assignment> take_assignment() {
  const auto text = config::process_environment()(supervisor::assignment_variable);
  if (!text) {
    return std::nullopt;
  }
  const py::Ref os = py::Ref::steal(PyImport_ImportModule("os"));
  const py::Ref variables =
      os ? py::Ref::steal(PyObject_GetAttrString(os.get(), "environ")) : py::Ref();
  if (!variables || PyMapping_DelItemString(variables.get(), supervisor::assignment_variable) < 0) {
    PyErr_Clear();
  }
  return supervisor::take_over(*text);
}

/// main(arguments) -> exit status
PyObject* module_main(PyObject*, PyObject* arguments) {
  std::vector<std::string> strings;
  if (!to_strings(arguments, strings)) {
    return nullptr;
  }
  int status = 0;
  const std::optional<config::Options> options = read_options(strings, status);
  if (!options) {
    return PyLong_FromLong(status);
  }
  std::optional<supervisor::Assignment> assignment = take_assignment();
  if (!assignment && supervisor::is_wanted(*options)) {
    return supervise_programs(*options);
  }
  return PyLong_FromLong(serve(*options, std::move(assignment)));
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

}  // namespace ringhorn

PyMODINIT_FUNC PyInit__ringhorn() {
  ringhorn::py::Ref module = ringhorn::py::Ref::steal(PyModule_Create(&ringhorn::definition));
  if (!module || PyModule_AddStringConstant(module.get(), "__version__", RINGHORN_VERSION) < 0 ||
      ringhorn::loop::add_to_module(module.get()) < 0) {
    return nullptr;
  }
  return module.release();
}
