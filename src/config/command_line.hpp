/// Splits argv into the options of the table and the rest. The only place that knows the CLI
/// library; it converts and checks no value. Called by parse().
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ringhorn::config {

struct CommandLine {
  /// For each row of the option table the values that argv gives it, in order; "true" or "false"
  /// for a bare flag, whatever name it was written by.
  std::vector<std::vector<std::string>> values;
  /// What belongs to no row, in order: unknown options with their dashes, surplus arguments.
  std::vector<std::string> rest;
  /// The option, as written, at the end of argv that lacks its value.
  std::optional<std::string> without_value;
};

/// `arguments` do not include the program's name.
CommandLine read_command_line(const std::vector<std::string>& arguments);

}  // namespace ringhorn::config
