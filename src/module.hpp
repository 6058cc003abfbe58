/// The module `_ringhorn`, and what it takes of the interpreter.
#pragma once

#include <ringhorn/py/python.hpp>

extern "C" {
/// The initialiser of `_ringhorn`: an extension module, or built into the executable.
PyMODINIT_FUNC PyInit__ringhorn();
}
