// Door 1: the package `ringhorn`, built into the executable.
#include "package.hpp"

#include <ringhorn/py/source.hpp>

#include "package_source.hpp"

namespace {

int fill_package(PyObject* module) {
  return ringhorn::py::run_source_in(module, "ringhorn", ringhorn::py::package_source) ? 0 : -1;
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(fill_package)}, {}};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "ringhorn", nullptr, 0, nullptr, slots, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_ringhorn() {
  return PyModuleDef_Init(&definition);
}
