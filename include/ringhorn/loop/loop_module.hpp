/// What the module `_ringhorn` shows of the event loop, for both doors. Needs the GIL.
#pragma once

#include <ringhorn/py/python.hpp>

namespace ringhorn::loop {

/// Adds `new_event_loop`, `EventLoop`, `Handle` and `TimerHandle`. A loop made by these has a ring
/// of its own while it runs, made in the thread that runs it. -1 with an exception set on failure.
int add_to_module(PyObject* module);

}  // namespace ringhorn::loop
