#include <map>

#include <ringhorn/config/env_file.hpp>

#include "support/catch.hpp"

using namespace ringhorn::config;

namespace {

const Environment environment = [](const std::string& name) -> std::optional<std::string> {
  return name == "HOME" ? std::optional<std::string>("/root") : std::nullopt;
};

/// `A=1|B=2|`, or what is wrong.
std::string read(std::string_view text) {
  const auto variables = parse_env_file(text, environment);
  if (!variables) {
    return variables.error();
  }
  std::string shown;
  for (const auto& [name, value] : variables.value()) {
    shown.append(name).append("=").append(value).append("|");
  }
  return shown;
}

}  // namespace

TEST_CASE("parse_env_file reads what python-dotenv reads", "[config]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"\n\n  \n# only a comment", ""},
      {"A=1", "A=1|"},
      {"A=1\nB=2\n", "A=1|B=2|"},
      {"A=1\r\nB=2\r\n", "A=1|B=2|"},
      {"  export A = 1  ", "A=1|"},
      {"export=1", "export=1|"},
      {"'A'=1", "A=1|"},
      {"A=", "A=|"},
      {"A", ""},
      {"A=a b  # comment", "A=a b|"},
      {"A=a#b", "A=a#b|"},
      {"A=#b", "A=|"},
      {"A=https://x/?a=b&c=d", "A=https://x/?a=b&c=d|"},
      {"A='a # b' # c", "A=a # b|"},
      {R"(A='it\'s \n \\')", R"(A=it's \n \|)"},
      {R"(A="a\tb\"c\\d\q")", "A=a\tb\"c\\d\\q|"},
      {"A=\"two\nlines\"\nB=1", "A=two\nlines|B=1|"},
      {"A=1\nA=2", "A=2|"},
      {"A=1\nB=${A}2${C}", "A=1|B=12|"},
      {"B=${C:-none}/x", "B=none/x|"},
      {"B=${HOME}", "B=/root|"},
      {"B=${open", "B=${open|"},
      {"HOME=/other\nB='${HOME}'", "B=/root|"},
  };
  for (const auto& [text, expected] : cases) {
    CAPTURE(text);
    CHECK(read(text) == expected);
  }
}

TEST_CASE("parse_env_file names the line that is wrong", "[config]") {
  CHECK(read("A=1\n\nB='x") == "line 3: a quote is not closed");
  CHECK(read("# x\nA='x' y\n") == "line 2: write NAME=value");
  CHECK(read("=1") == "line 1: write NAME=value");
  CHECK(read("A=1\nsome words") == "line 2: write NAME=value");
}

TEST_CASE("read_env_file says which file cannot be read", "[config]") {
  const auto missing = read_env_file("/nowhere/.env", environment);
  REQUIRE_FALSE(missing);
  CHECK(missing.error() == "/nowhere/.env: No such file or directory");
  const auto empty = read_env_file("/dev/null", environment);
  REQUIRE(empty);
  CHECK(empty.value().empty());
  CHECK_FALSE(read_env_file("/", environment));
}

TEST_CASE("with_variables does not configure the server", "[config]") {
  const Environment both =
      with_variables(environment, {{"HOME", "x"}, {"A", "1"}, {"RINGHORN_PORT", "1"}});
  CHECK(both("HOME") == "/root");
  CHECK(both("A") == "1");
  CHECK_FALSE(both("RINGHORN_PORT").has_value());
}
