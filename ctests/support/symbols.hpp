/// What an archive asks of others, by nm: how a module that calls no system is held to that.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ringhorn::support {

inline std::vector<std::string> undefined_symbols(const std::string& archive) {
  FILE* const pipe = popen(("nm --undefined-only '" + archive + "'").c_str(), "r");
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
  return symbols;
}

/// Requires that the archive names no symbol of Python and of the system, and that it does name
/// `expected` (the front of one): without that the test would pass on an empty listing.
inline void require_no_system(const std::string& archive, const std::string& expected) {
  bool found = false;
  for (const std::string& symbol : undefined_symbols(archive)) {
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
  REQUIRE(found);
}

}  // namespace ringhorn::support
