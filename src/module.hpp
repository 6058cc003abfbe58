/// What the two doors share: the module `_ringhorn`, and the way from the command line to a status.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ringhorn/config/options.hpp>
#include <ringhorn/py/python.hpp>

extern "C" {
/// The initialiser of `_ringhorn`: an extension module, or built into the executable.
PyMODINIT_FUNC PyInit__ringhorn();
}

namespace ringhorn {

/// The options that `arguments` (without the program's name) and the environment ask for. Without a
/// value `status` says how to exit; everything was printed.
std::optional<config::Options> read_options(const std::vector<std::string>& arguments, int& status);

/// Serves with the interpreter that is up; does not return when threads must not be waited for.
/// REQUIRES: the GIL is held, this is the main thread
int serve(const config::Options& options);

}  // namespace ringhorn
