// `http` stands alone: no Python, no sockets, no clock, no files. This program links only http and
// base, and the archive itself asks for nothing else.
#include "support/symbols.hpp"

TEST_CASE("http names no symbol of Python and of the system", "[http]") {
  ringhorn::support::require_no_system(RINGHORN_HTTP_ARCHIVE, "_ZN8ringhorn4base");
}
