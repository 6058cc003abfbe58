// The Python type around Stream.
#include <memory>

#include "core.hpp"
#include "stream.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

PyObject* start(PyObject* self, PyObject*) {
  stream_of(self).start();
  Py_RETURN_NONE;
}

PyObject* pause(PyObject* self, PyObject*) {
  stream_of(self).pause();
  Py_RETURN_NONE;
}

PyObject* stop(PyObject* self, PyObject*) {
  stream_of(self).stop();
  Py_RETURN_NONE;
}

PyObject* is_reading(PyObject* self, void*) {
  return PyBool_FromLong(stream_of(self).reading());
}

void free_stream(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  std::destroy_at(&stream_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"start", start, METH_NOARGS, nullptr},
    {"pause", pause, METH_NOARGS, nullptr},
    {"stop", stop, METH_NOARGS, nullptr},
    {},
};

PyGetSetDef attributes[] = {{"reading", is_reading, nullptr, nullptr, nullptr}, {}};

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_stream)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {},
};

PyType_Spec spec = {"_ringhorn.Stream", sizeof(StreamObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* make_stream(Core& core, Streams& streams, PyObject* transport) {
  auto* type = reinterpret_cast<PyTypeObject*>(core.types().stream_type.get());
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) {
    std::construct_at(&stream_of(self), streams, self, transport);
  }
  return self;
}

PyObject* make_stream_type() {
  return PyType_FromSpec(&spec);
}

}  // namespace ringhorn::loop
