#include <ringhorn/base/small_file.hpp>

#include <unistd.h>

#include <string>

#include "support/catch.hpp"

namespace {

std::string read(const char* path) {
  std::array<char, 512> bytes;
  return std::string(ringhorn::base::read_small_file(path, bytes));
}

}  // namespace

TEST_CASE("read_small_file gives what the kernel tells of this process", "[base]") {
  REQUIRE(read("/proc/self/stat").starts_with(std::to_string(::getpid()) + " ("));
  REQUIRE(read("/proc/self/statm").find('\n') != std::string::npos);
}

TEST_CASE("read_small_file gives the beginning of a file that is larger", "[base]") {
  REQUIRE(read("/proc/self/maps").size() == 512);
}

TEST_CASE("read_small_file gives nothing of what cannot be read", "[base]") {
  REQUIRE(read("/proc/self/none").empty());
  REQUIRE(read("/proc/self").empty());
  REQUIRE(read("/dev/null").empty());
}
