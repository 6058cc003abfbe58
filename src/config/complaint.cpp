#include "complaint.hpp"

#include <algorithm>
#include <cctype>

#include <ringhorn/base/assert.hpp>

#include "option_table.hpp"
#include "suggestion.hpp"
#include "unavailable.hpp"

namespace ringhorn::config {

namespace {

/// `--prot=80` becomes `--prot`.
std::string_view without_value(std::string_view argument) {
  return argument.substr(0, argument.find('='));
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
  const std::string meant = std::string("--").append(near);
  std::string text = std::string(wrong) + ": did you mean " + meant + "?";
  return row == nullptr ? text : text.append(" ").append(refusal_of(*row, meant));
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

}  // namespace

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

/// RINGHORN_VERSION and RINGHORN_HELP have no effect, as in uvicorn; gunicorn's names and any that
/// resemble no option belong to somebody else.
Complaint complaint_about_variable(const std::string& variable) {
  RINGHORN_ASSERT(variable.starts_with(variable_prefix));
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

std::string_view without_dashes(std::string_view option) {
  return option.substr(std::min(option.find_first_not_of('-'), option.size()));
}

}  // namespace ringhorn::config
