#include "config/suggestion.hpp"

#include <string>

#include "support/catch.hpp"

using namespace ringhorn::config;

TEST_CASE("edit_distance counts added, dropped, changed and swapped letters", "[config]") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("port", "port") == 0);
  CHECK(edit_distance("prot", "port") == 1);
  CHECK(edit_distance("pot", "port") == 1);
  CHECK(edit_distance("poort", "port") == 1);
  CHECK(edit_distance("pork", "port") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("sitting", "kitten") == 3);
}

TEST_CASE("nearest_option is strict with short names and lenient with long ones", "[config]") {
  CHECK(nearest_option("hots") == "host");
  CHECK(nearest_option("home").empty());
  CHECK(nearest_option("backlgo") == "backlog");
  CHECK(nearest_option("limit_header_size") == "limit-header-size");
  CHECK(nearest_option("timeout-heder") == "timeout-header");
  CHECK(nearest_option("").empty());
  CHECK(nearest_option(std::string(10000, 'a')).empty());
}
