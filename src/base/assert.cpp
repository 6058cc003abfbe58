#include <ringhorn/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace ringhorn::base {

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "ringhorn: bug: assertion failed at %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace ringhorn::base
