/// Cold Python code of ours that is compiled into the program, so that neither door needs a file of
/// its own at run time. meson turns `x.py` into `x_source.hpp` (src/py/embed.py). Needs the GIL.
#pragma once

#include <string_view>

#include <ringhorn/py/ref.hpp>

namespace ringhorn::py {

/// Runs `source` as the module `name` (shown in tracebacks as `<name>`), without entering it into
/// sys.modules. Empty with an exception set on failure.
Ref run_source(const char* name, std::string_view source);

/// The same in a module that is there already. False with an exception set on failure.
bool run_source_in(PyObject* module, const char* name, std::string_view source);

}  // namespace ringhorn::py
