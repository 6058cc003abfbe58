// `http` stands alone: no Python, no sockets, no clock, no files. This program links only http and
// base, and the archive itself asks for nothing else.
#include <cstdio>
#include <string>
#include <vector>

#include "support/catch.hpp"

TEST_CASE("http names no symbol of Python and of the system", "[http]") {
  FILE* const pipe = popen("nm --undefined-only '" RINGHORN_HTTP_ARCHIVE "'", "r");
  REQUIRE(pipe != nullptr);
  std::vector<std::string> symbols;
  char line[4096];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    std::string text(line);
    text.erase(text.find_last_not_of('\n') + 1);
    if (const std::string::size_type at = text.find(" U "); at != text.npos) {
      symbols.push_back(text.substr(at + 3));
    }
  }
  REQUIRE(pclose(pipe) == 0);
  const std::string expected = "_ZN8ringhorn4base";
  bool found = false;
  for (const std::string& symbol : symbols) {
    INFO(symbol);
    found = found || symbol.compare(0, expected.size(), expected) == 0;
    REQUIRE(symbol.compare(0, 2, "Py") != 0);
    REQUIRE(symbol.compare(0, 3, "_Py") != 0);
    for (const char* banned :
         {"socket",  "connect",    "bind",    "listen", "accept", "accept4",       "send",
          "sendmsg", "recv",       "recvmsg", "read",   "write",  "open",          "close",
          "poll",    "epoll_wait", "syscall", "mmap",   "time",   "clock_gettime", "gettimeofday",
          "getenv",  "fopen",      "printf",  "fprintf"}) {
      REQUIRE(symbol != banned);
    }
  }
  // Without this the test would pass on an empty listing.
  REQUIRE(found);
}
