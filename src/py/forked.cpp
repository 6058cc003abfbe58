#include <ringhorn/py/forked.hpp>

#include <ringhorn/py/python.hpp>

#include <cstdlib>

namespace ringhorn::py {

void end_forked_child() {
  constexpr int exit_failed = 1;
  if (PyErr_Occurred() == nullptr) {
    PyErr_SetString(PyExc_SystemExit,
                    "ringhorn: a process that the application forked came back to its parent's "
                    "event loop and ends here: leave it with os._exit() or sys.exit()");
  }
  PyErr_PrintEx(0);  // does not return from SystemExit
  Py_Exit(exit_failed);
  std::abort();
}

}  // namespace ringhorn::py
