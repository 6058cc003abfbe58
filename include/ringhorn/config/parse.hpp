/// From argv and the environment to Options.
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

/// Precedence as uvicorn's: command line, then RINGHORN_* environment, then default. `arguments` do
/// not include the program's name. `python_version` is shown by --version.
base::Result<Options, EarlyExit> parse(const std::vector<std::string>& arguments,
                                       const Environment& environment,
                                       std::string_view python_version);

}  // namespace ringhorn::config
