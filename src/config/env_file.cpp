#include <ringhorn/config/env_file.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <ringhorn/base/unique_fd.hpp>

#include "complaint.hpp"

namespace ringhorn::config {

namespace {

constexpr std::string_view blank = " \t\r\v\f";

/// Reads one statement after the other. What it has found so far stays in `variables`.
class EnvFileReader {
 public:
  EnvFileReader(std::string_view text, const Environment& environment)
      : rest_(text), environment_(&environment) {}

  /// False at the end, and when something is wrong: `wrong` says what.
  bool next() {
    skip(" \t\r\n\v\f");
    if (rest_.empty() || !wrong.empty()) {
      return false;
    }
    if (rest_.front() == '#') {
      drop_line();
      return true;
    }
    if (rest_.starts_with("export") && rest_.find_first_of(blank) == 6) {
      rest_.remove_prefix(6);
      skip(blank);
    }
    const std::string name = take_name();
    skip(blank);
    if (!name.empty() && rest_.starts_with('=')) {
      rest_.remove_prefix(1);
      skip(blank);
      set(name, expanded(take_value()));
    }
    skip(blank);
    if (name.empty() || !(rest_.empty() || rest_.front() == '\n' || rest_.front() == '#')) {
      wrong = wrong.empty() ? "write NAME=value" : wrong;
      return false;
    }
    drop_line();
    return wrong.empty();
  }

  std::string_view rest() const noexcept { return rest_; }

  Variables variables;
  std::string wrong;

 private:
  void skip(std::string_view set) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(set), rest_.size()));
  }

  void drop_line() { rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size())); }

  std::string take_name() {
    const bool quoted = rest_.starts_with('\'');
    const std::size_t start = quoted ? 1 : 0;
    const std::size_t end = std::min(
        quoted ? rest_.find('\'', start) : rest_.find_first_of("=# \t\r\n\v\f"), rest_.size());
    const std::string name(rest_.substr(start, end - start));
    rest_.remove_prefix(std::min(end + start, rest_.size()));
    return name;
  }

  std::string take_value() {
    const char quote = rest_.empty() ? '\0' : rest_.front();
    return quote == '\'' || quote == '"' ? take_quoted(quote) : take_plain();
  }

  /// Up to the end of the line, or to a `#` behind white space.
  std::string take_plain() {
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != '\n') {
      const bool spaced = end == 0 || blank.find(rest_[end - 1]) != std::string_view::npos;
      if (rest_[end] == '#' && spaced) {
        break;
      }
      ++end;
    }
    const std::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(end);
    const std::size_t last = value.find_last_not_of(blank);
    return std::string(value.substr(0, last == std::string_view::npos ? 0 : last + 1));
  }

  std::string take_quoted(char quote) {
    const std::string_view escapes = quote == '"' ? "\\'\"abfnrtv" : "\\'";
    const std::string_view meanings = quote == '"' ? "\\'\"\a\b\f\n\r\t\v" : "\\'";
    std::string value;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == quote) {
        rest_.remove_prefix(at + 1);
        return value;
      }
      const std::size_t escape = rest_[at] == '\\' && at + 1 < rest_.size()
                                     ? escapes.find(rest_[at + 1])
                                     : std::string_view::npos;
      at += escape == std::string_view::npos ? 0 : 1;
      value += escape == std::string_view::npos ? rest_[at] : meanings[escape];
    }
    wrong = "a quote is not closed";
    return {};
  }

  /// `${NAME}` and `${NAME:-default}`.
  std::string expanded(const std::string& value) const {
    std::string result;
    std::size_t at = 0;
    for (std::size_t open = 0; (open = value.find("${", at)) != std::string::npos;) {
      const std::size_t close = value.find('}', open);
      if (close == std::string::npos) {
        break;
      }
      const std::string inner = value.substr(open + 2, close - open - 2);
      const std::size_t fallback = inner.find(":-");
      const auto known = look_up(inner.substr(0, fallback));
      result.append(value, at, open - at);
      result += known.value_or(fallback == std::string::npos ? "" : inner.substr(fallback + 2));
      at = close + 1;
    }
    return result.append(value, at);
  }

  std::optional<std::string> look_up(const std::string& name) const {
    if (auto value = (*environment_)(name)) {
      return value;
    }
    const auto found = std::find_if(variables.begin(), variables.end(),
                                    [&](const auto& pair) { return pair.first == name; });
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  }

  void set(const std::string& name, std::string value) {
    if (value.find('\0') != std::string::npos) {
      wrong = "a value holds a zero byte";
    } else if (!(*environment_)(name)) {
      std::erase_if(variables, [&](const auto& pair) { return pair.first == name; });
      variables.emplace_back(name, std::move(value));
    }
  }

  std::string_view rest_;
  const Environment* environment_;
};

}  // namespace

base::Result<Variables, std::string> parse_env_file(std::string_view text,
                                                    const Environment& environment) {
  EnvFileReader reader(text, environment);
  std::string_view before = text;
  while (reader.next()) {
    before = reader.rest();
  }
  if (!reader.wrong.empty()) {
    const std::size_t start = text.size() - before.size();
    const std::size_t first = std::min(text.find_first_not_of(" \t\r\n\v\f", start), text.size());
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(first);
    const auto line = std::count(text.begin(), end, '\n') + 1;
    return base::Failure{"line " + std::to_string(line) + ": " + reader.wrong};
  }
  return std::move(reader.variables);
}

base::Result<Variables, std::string> read_env_file(const std::string& path,
                                                   const Environment& environment) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return base::Failure{path + ": " + std::system_category().message(errno)};
  }
  std::string text;
  std::array<char, 4096> piece;
  ssize_t count = 0;
  while ((count = ::read(file.value(), piece.data(), piece.size())) > 0) {
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
  if (count < 0) {
    return base::Failure{path + ": " + std::system_category().message(errno)};
  }
  auto variables = parse_env_file(text, environment);
  if (!variables) {
    return base::Failure{path + ": " + variables.error()};
  }
  return variables;
}

Environment with_variables(Environment first, Variables variables) {
  return [first = std::move(first),
          variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    std::optional<std::string> value = first(name);
    if (value || name.starts_with(variable_prefix)) {
      return value;
    }
    const auto found = std::find_if(variables.begin(), variables.end(),
                                    [&](const auto& pair) { return pair.first == name; });
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

}  // namespace ringhorn::config
