// Door 1: the executable that embeds CPython.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ringhorn/config/parse.hpp>
#include <ringhorn/py/interpreter.hpp>

#include "doors.hpp"
#include "module.hpp"
#include "package.hpp"

namespace {

constexpr int exit_startup_failed = 3;
constexpr ringhorn::py::BuiltinModule builtin_modules[] = {{"_ringhorn", PyInit__ringhorn},
                                                           {"ringhorn", PyInit_ringhorn}};

/// Starts Python and serves.
int work(const std::vector<std::string>& argv, const ringhorn::config::Options& options,
         std::optional<ringhorn::supervisor::Assignment> assignment) {
  const ringhorn::config::Environment environment = ringhorn::config::process_environment();
  auto interpreter = ringhorn::py::Interpreter::start(
      {argv, environment("VIRTUAL_ENV").value_or(""), environment("PATH").value_or("")},
      builtin_modules);
  if (!interpreter) {
    std::fprintf(stderr, "ringhorn: %s\n", interpreter.error().c_str());
    return exit_startup_failed;
  }
  return ringhorn::serve(options, std::move(assignment));
}

/// As the shell found it, wherever this process goes: a link is followed anew each time.
std::vector<std::string> command_of(std::vector<std::string> argv) {
  std::string& program = argv[0];
  std::array<char, 4096> directory;
  if (program.find('/') != std::string::npos && !program.starts_with('/') &&
      ::getcwd(directory.data(), directory.size()) != nullptr) {
    program = std::string(directory.data()) + "/" + program;
  }
  return argv;
}

int run(const std::vector<std::string>& argv) {
  const std::vector<std::string> command = command_of(argv);
  int status = 0;
  const std::optional<ringhorn::config::Options> options =
      ringhorn::read_options({argv.begin() + 1, argv.end()}, status);
  if (!options) {
    return status;
  }
  if (!ringhorn::supervisor::is_wanted(*options)) {
    return work(argv, *options, std::nullopt);
  }
  // Python is not started yet: every worker that is forked reads the application anew.
  return ringhorn::supervise(*options, command, [&](ringhorn::supervisor::Assignment assignment) {
    return work(argv, *options, std::move(assignment));
  });
}

}  // namespace

int main(int count, char** arguments) {
  return run({arguments, arguments + count});
}
