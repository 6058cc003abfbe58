/// The one place that includes CPython's headers, with the macros that they want, before any other.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#if PY_VERSION_HEX < 0x030B0000
#error "Ringhorn needs CPython 3.11 or newer"
#endif
