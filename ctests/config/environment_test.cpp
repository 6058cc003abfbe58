#include <stdlib.h>

#include <algorithm>
#include <string>

#include <ringhorn/config/parse.hpp>

#include "support/catch.hpp"

using namespace ringhorn::config;

TEST_CASE("process_environment reads the variables of the process", "[config]") {
  ::setenv("RINGHORN_ROOT_PATH", "/a=b", 1);
  ::setenv("RINGHORNET", "x", 1);
  const Environment environment = process_environment();
  CHECK(environment("RINGHORN_ROOT_PATH") == "/a=b");
  const auto names = process_variable_names();
  CHECK(std::count(names.begin(), names.end(), "RINGHORN_ROOT_PATH") == 1);
  CHECK(std::count(names.begin(), names.end(), "RINGHORNET") == 0);
  ::unsetenv("RINGHORN_ROOT_PATH");
  ::unsetenv("RINGHORNET");
  CHECK_FALSE(environment("RINGHORN_ROOT_PATH").has_value());
}
