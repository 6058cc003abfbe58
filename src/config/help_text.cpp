#include "help_text.hpp"

#include <array>
#include <utility>

#include "option_table.hpp"

namespace ringhorn::config {

namespace {

constexpr std::size_t columns = 80;
constexpr std::size_t help_column = 34;

constexpr std::string_view introduction =
    "Usage: ringhorn [OPTIONS] APP\n"
    "Example: ringhorn main:app --host 0.0.0.0 --port 8080\n"
    "\n"
    "Serves an ASGI application over HTTP/1.1 and WebSocket. Each option can be set\n"
    "by the environment variable in its brackets too; the command line wins.\n";

constexpr std::array<std::pair<Group, std::string_view>, 9> groups = {{
    {Group::application, "Application"},
    {Group::address, "Address"},
    {Group::process, "Processes"},
    {Group::log, "Log"},
    {Group::response, "Responses"},
    {Group::web_socket, "WebSockets"},
    {Group::time, "Times"},
    {Group::limit, "Limits"},
    {Group::other, "Other"},
}};

/// Appends the words of `text` in lines that start at `help_column`; the cursor stands there.
void append_wrapped(std::string& out, std::string_view text) {
  std::size_t column = help_column;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column > help_column && column + 1 + word.size() > columns) {
      out.append(1, '\n').append(help_column, ' ');
      column = help_column;
    }
    if (column > help_column) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += '\n';
}

std::string names_of(const OptionRow& row) {
  std::string names = "  " + spelling_of(row);
  if (row.letter != 0) {
    names.append(", -").append(1, row.letter);
  }
  if (!row.negative.empty()) {
    names.append(" / --").append(row.negative);
  }
  if (!row.metavar.empty() && row.kind != Kind::positional) {
    names.append(1, ' ').append(row.metavar);
  }
  return names;
}

std::string note_of(const OptionRow& row) {
  if (row.kind == Kind::action) {
    return {};
  }
  const std::string start = row.fallback.empty() ? "[" : "[default: " + std::string(row.fallback);
  return start + (row.fallback.empty() ? "" : "; ") + variable_of(row) + "]";
}

void append_row(std::string& out, const OptionRow& row) {
  const std::string names = names_of(row);
  out += names;
  if (names.size() + 2 > help_column) {
    out.append(1, '\n').append(help_column, ' ');
  } else {
    out.append(help_column - names.size(), ' ');
  }
  append_wrapped(out, row.help);
  const std::string note = note_of(row);
  if (!note.empty()) {
    out.append(help_column, ' ');
    append_wrapped(out, note);
  }
}

}  // namespace

std::string help_text() {
  std::string out(introduction);
  for (const auto& [group, title] : groups) {
    out.append(1, '\n').append(title).append(":\n");
    for (const OptionRow& row : option_table()) {
      if (row.group == group) {
        append_row(out, row);
      }
    }
  }
  return out;
}

std::string version_text(std::string_view python_version) {
  return "Running ringhorn " RINGHORN_VERSION " with CPython " + std::string(python_version) +
         " on Linux\n";
}

}  // namespace ringhorn::config
