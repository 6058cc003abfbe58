// `ws` stands alone: no Python, no HTTP, no sockets, no clock, no files. This program links only
// ws, base, zlib, ISA-L and nettle, and the archive itself asks for nothing else.
#include "support/symbols.hpp"

TEST_CASE("ws names no symbol of Python and of the system", "[ws]") {
  ringhorn::support::require_no_system(RINGHORN_WS_ARCHIVE, "inflate");
}
