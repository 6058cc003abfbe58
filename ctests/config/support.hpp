/// What the tests of parse() share: an environment made of pairs, and one call that either must
/// succeed or must be refused. Used by ctests/config only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ringhorn/config/parse.hpp>

#include "support/catch.hpp"

namespace ringhorn::config::test {

using Variables = std::map<std::string, std::string>;

/// parse() with exactly these variables, known by name too.
inline base::Result<Options, EarlyExit> parse_with(const std::vector<std::string>& arguments,
                                                   const Variables& variables = {}) {
  std::vector<std::string> names;
  for (const auto& [name, value] : variables) {
    names.push_back(name);
  }
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return parse(arguments, environment, "3.11.2", names);
}

/// The options; fails the test with the refusal when there are none.
inline Options options_of(const std::vector<std::string>& arguments,
                          const Variables& variables = {}) {
  auto result = parse_with(arguments, variables);
  if (!result) {
    FAIL("refused: " << result.error().text);
  }
  return result.take_value();
}

/// What a refusal says, without the program's name and the pointer to --help.
inline std::string refusal(const std::vector<std::string>& arguments,
                           const Variables& variables = {}) {
  const std::string start = "ringhorn: ";
  const std::string end = "\nTry 'ringhorn --help'.\n";
  auto result = parse_with(arguments, variables);
  if (result) {
    return "(accepted)";
  }
  const std::string& text = result.error().text;
  CHECK(result.error().status == 2);
  REQUIRE(text.size() > start.size() + end.size());
  CHECK(text.substr(0, start.size()) == start);
  CHECK(text.substr(text.size() - end.size()) == end);
  return text.substr(start.size(), text.size() - start.size() - end.size());
}

}  // namespace ringhorn::config::test
