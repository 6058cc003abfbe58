#include "command_line.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include <ringhorn/base/assert.hpp>

#include "option_table.hpp"

namespace ringhorn::config {

namespace {

/// `-b,` as the library wants it in front of the long name.
std::string short_form(const OptionRow& row) {
  return row.letter == 0 ? "" : std::string("-") + row.letter + ",";
}

CLI::Option* add_row(CLI::App& app, const OptionRow& row) {
  const std::string name(row.name);
  switch (row.kind) {
    case Kind::positional:
      return app.add_option(name);
    case Kind::value:
    case Kind::repeated:
      return app.add_option(short_form(row) + "--" + name)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    case Kind::action:
      return app.add_flag(name == "help" ? "-h,--help" : "--" + name);
    case Kind::flag:
      break;
  }
  const std::string off = row.negative.empty() ? "" : ",!--" + std::string(row.negative);
  return app.add_flag("--" + name + off)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

/// The library takes the next argument as the value of `--name=`; as two arguments the empty value
/// is kept. It reads from the back, so the order is turned round.
std::vector<std::string> prepared(const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  for (const std::string& argument : arguments) {
    const bool empty_value = argument.size() > 3 && argument.starts_with("--") &&
                             argument.find('=') == argument.size() - 1;
    const std::string name = argument.substr(0, argument.size() - 1);
    if (empty_value && find_option(name.substr(2)) != nullptr) {
      result.push_back(name);
      result.emplace_back();
    } else {
      result.push_back(argument);
    }
  }
  std::reverse(result.begin(), result.end());
  return result;
}

}  // namespace

CommandLine read_command_line(const std::vector<std::string>& arguments) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<const CLI::Option*> options;
  for (const OptionRow& row : option_table()) {
    options.push_back(add_row(app, row));
  }
  CommandLine result;
  try {
    app.parse(prepared(arguments));
  } catch (const CLI::ArgumentMismatch&) {
    // The one mismatch that this setup allows: argv ended where a value was due.
    RINGHORN_ASSERT(!arguments.empty());
    result.without_value = arguments.back();
  }
  for (const CLI::Option* option : options) {
    result.values.push_back(option->results());
  }
  for (const std::string& extra : app.remaining()) {
    if (extra != "--") {
      result.rest.push_back(extra);
    }
  }
  return result;
}

}  // namespace ringhorn::config
