/// The end of a process that the application forked and that came back to where only its parent
/// has something to do: the event loop. Called by whoever runs Python code on behalf of that loop,
/// right after it. Needs the GIL.
#pragma once

namespace ringhorn::py {

/// Ends this process as Python ends a program: with the status of a pending SystemExit, with the
/// traceback of any other pending exception and status 1, and otherwise with one sentence and
/// status 1. Functions of atexit are run; nothing of the caller's is destroyed.
[[noreturn]] void end_forked_child();

}  // namespace ringhorn::py
