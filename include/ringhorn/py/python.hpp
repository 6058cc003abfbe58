/// The one place that includes Python.h, with the macros that it wants, before any other header.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if PY_VERSION_HEX < 0x030B0000
#error "Ringhorn needs CPython 3.11 or newer"
#endif
