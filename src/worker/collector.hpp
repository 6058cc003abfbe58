/// CPython's garbage collector, set up for a process that serves: called once, when everything is
/// loaded and before the first request. Needs the GIL.
#pragma once

namespace ringhorn::worker {

/// Takes what is loaded out of the collector's sight, and has it run less often, unless the
/// application has chosen how often itself. What fails in here is left as it is.
void settle_collector();

}  // namespace ringhorn::worker
