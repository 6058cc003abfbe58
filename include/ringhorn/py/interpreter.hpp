/// Interpreter is the embedded CPython of the executable door: it starts as `python` would start
/// for the same user, with the same virtual environment, variables and paths. The extension door
/// lives in an interpreter that somebody else started, and does not use it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ringhorn/base/result.hpp>
#include <ringhorn/py/python.hpp>

namespace ringhorn::py {

/// A module that is built into the executable.
struct BuiltinModule {
  const char* name;
  PyObject* (*init)();
};

/// What decides which Python is started.
struct Start {
  std::vector<std::string> argv;  ///< becomes sys.argv; the first is how this program was called
  std::string virtual_env;        ///< $VIRTUAL_ENV
  std::string search_path;        ///< $PATH
};

class Interpreter {
 public:
  /// Starts CPython in this thread, which holds the GIL afterwards. The packages are those of, in
  /// this order: `pyvenv.cfg` beside the running executable (or above it), $VIRTUAL_ENV, the
  /// interpreter that Ringhorn was built for. On failure one sentence.
  static base::Result<std::unique_ptr<Interpreter>, std::string> start(
      const Start& start, std::span<const BuiltinModule> modules);

  /// Joins Python's threads, runs atexit functions, flushes and frees. REQUIRES: the GIL is held
  ~Interpreter();

 private:
  Interpreter() = default;
};

}  // namespace ringhorn::py
