#include <ringhorn/config/parse.hpp>

#include <algorithm>
#include <cctype>

#include <ringhorn/base/assert.hpp>

#include "command_line.hpp"
#include "help_text.hpp"
#include "option_table.hpp"
#include "suggestion.hpp"
#include "unavailable.hpp"

namespace ringhorn::config {

namespace {

constexpr std::string_view variable_prefix = "RINGHORN_";

/// What is wrong, without the program's name; empty when nothing is.
using Complaint = std::string;

bool is_option(std::string_view argument) {
  return argument.size() > 1 && argument.front() == '-';
}

/// `--prot=80` becomes `--prot`.
std::string_view without_value(std::string_view argument) {
  return argument.substr(0, argument.find('='));
}

std::string_view without_dashes(std::string_view option) {
  return option.substr(std::min(option.find_first_not_of('-'), option.size()));
}

/// RINGHORN_APP_DIR becomes app-dir.
std::string option_name_of(std::string_view variable) {
  std::string name(variable.substr(variable_prefix.size()));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '_' ? '-' : static_cast<char>(std::tolower(c));
  });
  return name;
}

/// `-b :80`, `-b:80`, `-w4`: a short option that may hold its value; null when it is none of ours
/// to know.
const UnavailableRow* find_short(std::string_view option) {
  return option.starts_with("--") ? nullptr : find_unavailable(option.substr(1, 1));
}

Complaint suggestion_for(std::string_view wrong, std::string_view near) {
  const UnavailableRow* row = find_unavailable(near);
  const std::string meant = "--" + std::string(near);
  return std::string(wrong) + ": did you mean " + meant + "?" +
         (row == nullptr ? "" : " " + refusal_of(*row, meant));
}

Complaint complaint_about_option(std::string_view argument) {
  const std::string option(without_value(argument));
  const std::string_view name = without_dashes(option);
  const UnavailableRow* short_row = find_short(option);
  const bool holds_number =
      name.size() > 1 && std::isalpha(static_cast<unsigned char>(name[1])) == 0;
  if (short_row != nullptr && holds_number) {
    return refusal_of(*short_row, option.substr(0, 2));
  }
  if (const UnavailableRow* row = find_unavailable(name); row != nullptr) {
    return refusal_of(*row, option);
  }
  if (const std::string_view near = nearest_option(name); !near.empty()) {
    return suggestion_for("no such option " + option, near);
  }
  if (short_row != nullptr) {
    return refusal_of(*short_row, option.substr(0, 2));
  }
  return "no such option " + option;
}

/// Unknown options first: an unknown one may have left its value among the surplus arguments.
Complaint complaint_about_rest(const CommandLine& command_line) {
  for (const std::string& argument : command_line.rest) {
    if (is_option(argument)) {
      return complaint_about_option(argument);
    }
  }
  if (!command_line.rest.empty()) {
    return "unexpected argument '" + command_line.rest.front() +
           "': one application is served; put options in front of their values";
  }
  if (command_line.without_value) {
    const OptionRow* row = find_option(without_dashes(*command_line.without_value));
    RINGHORN_ASSERT(row != nullptr);
    return *command_line.without_value + " needs a value: write " + *command_line.without_value +
           " " + std::string(row->metavar);
  }
  return {};
}

/// The row whose option, or whose `no-` form, is `name`; null for actions and unknown names.
const OptionRow* find_settable(std::string_view name) {
  for (const OptionRow& row : option_table()) {
    if (row.kind != Kind::action && !name.empty() && (row.name == name || row.negative == name)) {
      return &row;
    }
  }
  return nullptr;
}

bool is_variable(std::string_view variable) {
  const auto rows = option_table();
  return std::any_of(rows.begin(), rows.end(),
                     [&](const OptionRow& row) { return variable_of(row) == variable; });
}

/// RINGHORN_VERSION and RINGHORN_HELP have no effect, as in uvicorn; gunicorn's names and any that
/// resemble no option belong to somebody else.
Complaint complaint_about_variable(const std::string& variable) {
  const std::string name = option_name_of(variable);
  if (is_variable(variable) || name.size() < 2) {
    return {};
  }
  const UnavailableRow* exact = find_unavailable(name);
  const std::string meant = exact != nullptr ? name : std::string(nearest_option(name));
  if (const UnavailableRow* row = find_unavailable(meant); row != nullptr) {
    const bool gunicorn = row->verdict == Verdict::other;
    return gunicorn ? Complaint() : variable + ": " + refusal_of(*row, "--" + meant);
  }
  const OptionRow* row = find_settable(meant);
  return row == nullptr
             ? Complaint()
             : "no such variable " + variable + ": did you mean " + variable_of(*row) + "?";
}

Complaint read_value(const OptionRow& row, std::string_view source, const std::string& value,
                     Options& options) {
  if (row.read(value, options)) {
    return {};
  }
  return std::string(source) + ": '" + value + "' is not " + std::string(row.expected);
}

std::vector<std::string> words_of(std::string_view text) {
  constexpr std::string_view space = " \t\r\n\v\f";
  std::vector<std::string> words;
  for (std::size_t at = text.find_first_not_of(space); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(space, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(space, end);
  }
  return words;
}

/// Kubernetes sets RINGHORN_PORT=tcp://10.0.0.1:80 in every pod beside a service named ringhorn:
/// nobody meant it for us.
bool is_service_link(const OptionRow& row, std::string_view value) {
  return row.name == "port" && value.starts_with("tcp://");
}

Complaint read_variable(const OptionRow& row, const Environment& environment, Options& options) {
  const std::string variable = variable_of(row);
  const std::string value = environment(variable).value_or("");
  if (value.empty() || is_service_link(row, value)) {
    return {};
  }
  if (row.kind != Kind::repeated) {
    return read_value(row, variable, value, options);
  }
  for (const std::string& word : words_of(value)) {
    Complaint complaint = read_value(row, variable, word, options);
    if (!complaint.empty()) {
      return complaint;
    }
  }
  return {};
}

Complaint read_row(const OptionRow& row, const std::vector<std::string>& values,
                   const Environment& environment, Options& options) {
  if (values.empty()) {
    return read_variable(row, environment, options);
  }
  for (const std::string& value : values) {
    // A value that is overridden by a later one is checked all the same.
    Complaint complaint = read_value(row, spelling_of(row), value, options);
    if (!complaint.empty()) {
      return complaint;
    }
  }
  return {};
}

Complaint read_all(const CommandLine& command_line, const Environment& environment,
                   Options& options) {
  const auto rows = option_table();
  RINGHORN_ASSERT(command_line.values.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].kind == Kind::action) {
      continue;
    }
    Complaint complaint = read_row(rows[i], command_line.values[i], environment, options);
    if (!complaint.empty()) {
      return complaint;
    }
  }
  if (options.app.empty()) {
    return "no application given: name it as module:attribute, for instance ringhorn main:app";
  }
  return {};
}

bool is_given(const CommandLine& command_line, std::string_view name) {
  const OptionRow* row = find_option(name);
  RINGHORN_ASSERT(row != nullptr);
  return !command_line.values[static_cast<std::size_t>(row - option_table().data())].empty();
}

Complaint complaint_about_variables(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    Complaint complaint =
        name.starts_with(variable_prefix) ? complaint_about_variable(name) : Complaint();
    if (!complaint.empty()) {
      return complaint;
    }
  }
  return {};
}

}  // namespace

base::Result<Options, EarlyExit> parse(const std::vector<std::string>& arguments,
                                       const Environment& environment,
                                       std::string_view python_version,
                                       const std::vector<std::string>& variable_names) {
  const CommandLine command_line = read_command_line(arguments);
  if (is_given(command_line, "help")) {
    return base::Failure{EarlyExit{0, help_text()}};
  }
  if (is_given(command_line, "version")) {
    return base::Failure{EarlyExit{0, version_text(python_version)}};
  }
  Options options;
  Complaint complaint = complaint_about_rest(command_line);
  if (complaint.empty()) {
    complaint = complaint_about_variables(variable_names);
  }
  if (complaint.empty()) {
    complaint = read_all(command_line, environment, options);
  }
  if (!complaint.empty()) {
    return base::Failure{EarlyExit{2, "ringhorn: " + complaint + "\nTry 'ringhorn --help'.\n"}};
  }
  return options;
}

}  // namespace ringhorn::config
