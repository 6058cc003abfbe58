/// Finding the Python that a user means by where the executable lies and by $VIRTUAL_ENV: files and
/// variables only, no interpreter is running yet.
#pragma once

#include <string>

#include <ringhorn/base/result.hpp>

namespace ringhorn::py {

/// The path that becomes sys.executable (as `python` in the same place would have it), or a
/// sentence when the virtual environment is one of another CPython version. `executable` is the
/// path of the running program, `virtual_env` the variable's value or empty.
base::Result<std::string, std::string> find_python(const std::string& executable,
                                                   const std::string& virtual_env);

}  // namespace ringhorn::py
