#include <ringhorn/config/parse.hpp>

#include <algorithm>

#include <ringhorn/base/assert.hpp>

#include "command_line.hpp"
#include "complaint.hpp"
#include "help_text.hpp"
#include "option_table.hpp"

namespace ringhorn::config {

namespace {

bool is_option(std::string_view argument) {
  return argument.size() > 1 && argument.front() == '-';
}

/// Unknown options first: an unknown one may have left its value among the surplus arguments.
Complaint complaint_about_rest(const CommandLine& command_line) {
  for (const std::string& argument : command_line.rest) {
    if (is_option(argument)) {
      return complaint_about_option(argument);
    }
  }
  if (!command_line.rest.empty()) {
    return "unexpected argument '" + command_line.rest.front() + "': give one application only";
  }
  if (command_line.without_value) {
    const OptionRow* row = find_option(without_dashes(*command_line.without_value));
    RINGHORN_ASSERT(row != nullptr);
    return *command_line.without_value + " needs a value: write " + *command_line.without_value +
           " " + std::string(row->metavar);
  }
  return {};
}

/// On one line, whatever the user's shell has put into it.
std::string printable(std::string text) {
  for (char& byte : text) {
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) {
      byte = '?';
    }
  }
  return text;
}

Complaint read_value(const OptionRow& row, std::string_view source, const std::string& value,
                     Options& options) {
  if (row.read(value, options)) {
    return {};
  }
  return std::string(source) + ": '" + printable(value) + "' is not " + std::string(row.expected);
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

/// What platforms set for every server; uvicorn and gunicorn read it too.
Complaint read_web_concurrency(const Environment& environment, Options& options) {
  const OptionRow* row = find_option("workers");
  RINGHORN_ASSERT(row != nullptr);
  const std::string value = environment("WEB_CONCURRENCY").value_or("");
  return options.workers || value.empty() ? Complaint()
                                          : read_value(*row, "WEB_CONCURRENCY", value, options);
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
  Complaint complaint = read_web_concurrency(environment, options);
  if (!complaint.empty()) {
    return complaint;
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

/// What would silently do nothing. In the environment it may stand for the day when it is needed.
Complaint complaint_about_dependence(const CommandLine& command_line, const Options& options) {
  struct Dependence {
    const char* name;
    const char* needed;
    bool is_there;
  };
  const Dependence dependences[] = {
      {"reload-dir", "--reload", options.reload},
      {"reload-include", "--reload", options.reload},
      {"reload-exclude", "--reload", options.reload},
      {"reload-delay", "--reload", options.reload},
      {"limit-max-requests-jitter", "--limit-max-requests", options.limit_max_requests > 0},
  };
  for (const auto& [name, needed, is_there] : dependences) {
    if (!is_there && is_given(command_line, name)) {
      return std::string("--").append(name) + " does nothing without " + needed +
             ": give both, or neither";
    }
  }
  if (options.preload && options.reload) {
    return "--preload keeps the application imported, --reload starts it anew at every change: "
           "give one of them; SIGHUP reloads with --preload, too";
  }
  return {};
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
  if (complaint.empty()) {
    complaint = complaint_about_dependence(command_line, options);
  }
  if (!complaint.empty()) {
    return base::Failure{EarlyExit{2, "ringhorn: " + complaint + "\nTry 'ringhorn --help'.\n"}};
  }
  return options;
}

}  // namespace ringhorn::config
