/// What to do with a Python exception in C++: fetch it, show it, put it back. Needs the GIL.
#pragma once

#include <string>

#include <ringhorn/py/ref.hpp>

namespace ringhorn::py {

/// Takes the pending exception away and returns it normalised, with its traceback attached; empty
/// when none is set.
Ref fetch_exception();

/// Makes `exception` the pending one.
void raise(Ref exception);

/// Whether `exception`, or its type, is one that asyncio lets out of a loop: SystemExit or
/// KeyboardInterrupt.
bool ends_program(PyObject* exception);

/// The text that Python itself would print for `exception`: traceback, chain and message, without
/// a trailing newline. Frames of Ringhorn and of the import system at the outer end are left out.
/// REQUIRES: no exception is pending
std::string format_exception(PyObject* exception);

/// `str(object)` as UTF-8; a placeholder when that fails.
std::string to_string(PyObject* object);

}  // namespace ringhorn::py
