/// The option table: every option that Ringhorn has, once. parse(), the help text and the refusal
/// of misspelt names are driven by it; a new option is a member of Options and a row here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "values.hpp"

namespace ringhorn::config {

enum class Kind : std::uint8_t {
  positional,  ///< APP
  value,       ///< `--name VALUE`; the last one wins
  repeated,    ///< `--name VALUE`, any number of times; a list on white space in the environment
  flag,        ///< `--name`, and `--negative` when there is one; true or false in the environment
  action,      ///< --help and --version: no value, no environment
};

/// The sections of the help text, in its order.
enum class Group : std::uint8_t {
  application,
  address,
  process,
  log,
  response,
  web_socket,
  time,
  limit,
  other
};

/// Views are of literals.
struct OptionRow {
  std::string_view name;      ///< without dashes
  std::string_view negative;  ///< what switches a flag off, without dashes; empty: nothing does
  std::string_view metavar;   ///< the value in the help text; empty for flags
  Kind kind;
  Group group;
  std::string_view fallback;  ///< the default as the help shows it; empty: not shown
  std::string_view help;      ///< one sentence or two
  std::string_view expected;  ///< ends the sentence "'80x' is not …"
  Reader read;                ///< null for actions
  char letter = 0;            ///< gunicorn's short form, without its dash; 0: none
};

std::span<const OptionRow> option_table();
/// The row whose name or letter is `name`, without dashes; null when there is none.
const OptionRow* find_option(std::string_view name);
/// `RINGHORN_APP_DIR`; empty for actions.
std::string variable_of(const OptionRow& row);
/// How the user writes it: `--app-dir`, `APP`.
std::string spelling_of(const OptionRow& row);
/// `app-dir` becomes `APP_DIR`.
std::string upper_name(std::string_view name);

}  // namespace ringhorn::config
