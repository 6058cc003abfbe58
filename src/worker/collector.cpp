#include "collector.hpp"

#include <ringhorn/py/ref.hpp>

namespace ringhorn::worker {

namespace {

/// With how many young objects CPython collects them, if nobody says otherwise.
#if PY_VERSION_HEX >= 0x030D0000
constexpr long usual_threshold = 2000;
#else
constexpr long usual_threshold = 700;
#endif

/// A request that waits for something keeps about a hundred young objects alive (Starlette with
/// BaseHTTPMiddleware). From a few such requests at a time on, CPython's threshold has every batch
/// of them looked through again and again, and nothing is found: a fifth of the time with 64 of
/// them (2026-11-21).
constexpr long serving_threshold = 10'000;

/// The first of gc.get_threshold(); -1 with an exception set.
long read_threshold(PyObject* gc) {
  const py::Ref all = py::Ref::steal(PyObject_CallMethod(gc, "get_threshold", nullptr));
  const py::Ref first = all ? py::Ref::steal(PySequence_GetItem(all.get(), 0)) : py::Ref();
  return first ? PyLong_AsLong(first.get()) : -1;
}

bool settle(PyObject* gc) {
  // Of a worker with --preload the second time: its template has frozen what it imported, this adds
  // what the start of the application made. It joins two lists, and writes to no object's page but
  // those at their ends.
  const py::Ref frozen = py::Ref::steal(PyObject_CallMethod(gc, "freeze", nullptr));
  const long chosen = frozen ? read_threshold(gc) : -1;
  return frozen && PyErr_Occurred() == nullptr &&
         (chosen != usual_threshold ||
          py::Ref::steal(PyObject_CallMethod(gc, "set_threshold", "l", serving_threshold)));
}

}  // namespace

void settle_collector() {
  const py::Ref gc = py::Ref::steal(PyImport_ImportModule("gc"));
  if (!gc || !settle(gc.get())) {
    PyErr_Clear();
  }
}

}  // namespace ringhorn::worker
