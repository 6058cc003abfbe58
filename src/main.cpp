// Door 1: the executable that embeds CPython.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringhorn/config/parse.hpp>
#include <ringhorn/py/interpreter.hpp>

#include "module.hpp"
#include "package.hpp"

namespace {

constexpr int exit_startup_failed = 3;
constexpr ringhorn::py::BuiltinModule builtin_modules[] = {{"_ringhorn", PyInit__ringhorn},
                                                           {"ringhorn", PyInit_ringhorn}};

int run(const std::vector<std::string>& argv) {
  int status = 0;
  const std::optional<ringhorn::config::Options> options =
      ringhorn::read_options({argv.begin() + 1, argv.end()}, status);
  if (!options) {
    return status;
  }
  const ringhorn::config::Environment environment = ringhorn::config::process_environment();
  auto interpreter = ringhorn::py::Interpreter::start(
      {argv, environment("VIRTUAL_ENV").value_or(""), environment("PATH").value_or("")},
      builtin_modules);
  if (!interpreter) {
    std::fprintf(stderr, "ringhorn: %s\n", interpreter.error().c_str());
    return exit_startup_failed;
  }
  return ringhorn::serve(*options);
}

}  // namespace

int main(int count, char** arguments) {
  return run({arguments, arguments + count});
}
