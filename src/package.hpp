/// The package `ringhorn` as the executable has it built in, so that what an application imports is
/// there without an installation, and of the same version as the program that serves it.
#pragma once

#include <ringhorn/py/python.hpp>

extern "C" {
/// The initialiser of `ringhorn`: what src/python/ringhorn/__init__.py says.
PyMODINIT_FUNC PyInit_ringhorn();
}
