// The Python type around Stream.
#include <memory>

#include "core.hpp"
#include "stream.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

PyObject* start_reading(PyObject* self, PyObject*) {
  stream_of(self).start();
  Py_RETURN_NONE;
}

PyObject* pause_reading(PyObject* self, PyObject*) {
  stream_of(self).pause();
  Py_RETURN_NONE;
}

PyObject* stop_reading(PyObject* self, PyObject*) {
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

PyMethodDef stream_methods[] = {
    {"start", start_reading, METH_NOARGS, nullptr},
    {"pause", pause_reading, METH_NOARGS, nullptr},
    {"stop", stop_reading, METH_NOARGS, nullptr},
    {},
};

PyGetSetDef stream_attributes[] = {{"reading", is_reading, nullptr, nullptr, nullptr}, {}};

PyType_Slot stream_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_stream)},
    {Py_tp_methods, stream_methods},
    {Py_tp_getset, stream_attributes},
    {},
};

PyType_Spec stream_spec = {"_ringhorn.Stream", sizeof(StreamObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, stream_slots};

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
  return PyType_FromSpec(&stream_spec);
}

}  // namespace ringhorn::loop
