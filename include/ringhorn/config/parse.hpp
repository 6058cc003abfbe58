/// From argv and the environment to Options. Both doors call this once, before Python starts. It
/// touches no file and no socket, and reads the process environment only through what it is given.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/base/result.hpp>
#include <ringhorn/config/options.hpp>

namespace ringhorn::config {

/// Why the server does not start: text for the user and where it goes.
struct EarlyExit {
  int status;        ///< 0 for --help and --version, 2 for a wrong option
  std::string text;  ///< whole lines; to stdout when status is 0, else to stderr
};

/// Looks up one environment variable; empty optional when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of this process.
Environment process_environment();
/// The names of the RINGHORN_* variables of this process.
std::vector<std::string> process_variable_names();

/// Precedence as uvicorn's: command line, then RINGHORN_* environment, then default; an empty
/// variable counts as not set. `arguments` do not include the program's name. `python_version`
/// (`3.11.2`) is shown by --version. `variable_names` are the RINGHORN_* variables that exist: one
/// that looks like a misspelt option is refused.
base::Result<Options, EarlyExit> parse(const std::vector<std::string>& arguments,
                                       const Environment& environment,
                                       std::string_view python_version,
                                       const std::vector<std::string>& variable_names = {});

}  // namespace ringhorn::config
