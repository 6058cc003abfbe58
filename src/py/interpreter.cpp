#include <ringhorn/py/interpreter.hpp>

#include <unistd.h>

#include <array>
#include <climits>

#include "virtual_env.hpp"

namespace ringhorn::py {

namespace {

/// The path by which this program was started, symbolic links in its last part kept: a virtual
/// environment may link to an executable that lies elsewhere.
std::string running_executable(const std::string& argv0, std::string search_path) {
  if (argv0.find('/') != std::string::npos) {
    std::array<char, PATH_MAX> absolute{};
    if (argv0.front() == '/') {
      return argv0;
    }
    return ::getcwd(absolute.data(), absolute.size()) == nullptr
               ? argv0
               : std::string(absolute.data()) + "/" + argv0;
  }
  while (!search_path.empty()) {
    const std::size_t colon = search_path.find(':');
    const std::string candidate = search_path.substr(0, colon) + "/" + argv0;
    if (::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
    search_path = colon == std::string::npos ? "" : search_path.substr(colon + 1);
  }
  return argv0;
}

/// A PyConfig that frees itself.
struct Config {
  Config() { PyConfig_InitPythonConfig(&value); }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;
  ~Config() { PyConfig_Clear(&value); }
  PyConfig value;
};

PyStatus fill(PyConfig& config, const std::string& executable,
              const std::vector<std::string>& argv) {
  // Preinitialisation first: it decides how bytes become text (UTF-8 mode, C locale coercion).
  PyPreConfig preconfig;
  PyPreConfig_InitPythonConfig(&preconfig);
  PyStatus status = Py_PreInitialize(&preconfig);
  if (!PyStatus_Exception(status) && !executable.empty()) {
    status = PyConfig_SetBytesString(&config, &config.executable, executable.c_str());
    if (!PyStatus_Exception(status)) {
      status = PyConfig_SetBytesString(&config, &config.program_name, executable.c_str());
    }
  }
  if (PyStatus_Exception(status)) {
    return status;
  }
  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  config.parse_argv = 0;
  return PyConfig_SetBytesArgv(&config, static_cast<Py_ssize_t>(arguments.size()),
                               arguments.data());
}

}  // namespace

base::Result<std::unique_ptr<Interpreter>, std::string> Interpreter::start(
    const Start& start, std::span<const BuiltinModule> modules) {
  const base::Result<std::string, std::string> executable =
      find_python(running_executable(start.argv.front(), start.search_path), start.virtual_env);
  if (!executable) {
    return base::Failure{executable.error()};
  }
  for (const BuiltinModule& module : modules) {
    if (PyImport_AppendInittab(module.name, module.init) < 0) {
      return base::Failure{std::string("out of memory")};
    }
  }
  Config config;
  PyStatus status = fill(config.value, executable.value(), start.argv);
  if (!PyStatus_Exception(status)) {
    status = Py_InitializeFromConfig(&config.value);
  }
  if (PyStatus_Exception(status)) {
    return base::Failure{std::string("CPython does not start: ") +
                         (status.err_msg == nullptr ? "unknown reason" : status.err_msg)};
  }
  return std::unique_ptr<Interpreter>(new Interpreter());
}

Interpreter::~Interpreter() {
  Py_FinalizeEx();
}

}  // namespace ringhorn::py
