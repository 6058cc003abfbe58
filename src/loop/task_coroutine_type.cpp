// The Python type around TaskCoroutine.
#include <memory>

#include "task_coroutine.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

/// What a step has come to, as throw() and send() tell it.
PyObject* as_thrown(PySendResult sent, PyObject* result) {
  if (sent != PYGEN_RETURN) {
    return result;
  }
  const py::Ref value = py::Ref::steal(result);
  const py::Ref stop = py::Ref::steal(PyObject_CallOneArg(PyExc_StopIteration, value.get()));
  if (stop) {
    PyErr_SetObject(PyExc_StopIteration, stop.get());
  }
  return nullptr;
}

PySendResult am_send(PyObject* self, PyObject* value, PyObject** result) {
  return task_coroutine_of(self).send(value, result);
}

PyObject* send(PyObject* self, PyObject* value) {
  PyObject* result = nullptr;
  const PySendResult sent = task_coroutine_of(self).send(value, &result);
  return as_thrown(sent, result);
}

PyObject* next(PyObject* self) {
  return send(self, Py_None);
}

PyObject* throw_in(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  PyObject* result = nullptr;
  const PySendResult sent = task_coroutine_of(self).throw_in(arguments, count, &result);
  return as_thrown(sent, result);
}

PyObject* go_on(PyObject*, PyObject* self) {
  task_coroutine_of(self).go_on();
  Py_RETURN_NONE;
}

PyMethodDef go_on_method = {"go_on", go_on, METH_O, nullptr};

PyObject* close(PyObject* self, PyObject*) {
  return task_coroutine_of(self).close();
}

PyObject* read_attribute(PyObject* self, PyObject* name) {
  PyObject* own = PyObject_GenericGetAttr(self, name);
  if (own != nullptr || PyErr_ExceptionMatches(PyExc_AttributeError) == 0) {
    return own;
  }
  PyErr_Clear();
  return PyObject_GetAttr(task_coroutine_of(self).coroutine(), name);
}

PyObject* describe_task_coroutine(PyObject* self) {
  return PyObject_Repr(task_coroutine_of(self).coroutine());
}

int traverse_task_coroutine(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return task_coroutine_of(self).traverse(visit, arg);
}

int clear_task_coroutine(PyObject* self) {
  task_coroutine_of(self).clear();
  return 0;
}

void free_task_coroutine(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  std::destroy_at(&task_coroutine_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef task_coroutine_methods[] = {
    {"send", send, METH_O, nullptr},
    {"throw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(throw_in)), METH_FASTCALL,
     nullptr},
    {"close", close, METH_NOARGS, nullptr},
    {},
};

PyType_Slot task_coroutine_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_task_coroutine)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_task_coroutine)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_task_coroutine)},
    {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_send, reinterpret_cast<void*>(am_send)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next)},
    {Py_tp_getattro, reinterpret_cast<void*>(read_attribute)},
    {Py_tp_repr, reinterpret_cast<void*>(describe_task_coroutine)},
    {Py_tp_methods, task_coroutine_methods},
    {},
};

PyType_Spec task_coroutine_spec = {
    "_ringhorn.TaskCoroutine", sizeof(TaskCoroutineObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    task_coroutine_slots};

}  // namespace

PyObject* make_task_coroutine_type() {
  return PyType_FromSpec(&task_coroutine_spec);
}

py::Ref make_task_coroutine(const Types& types, PyObject* coroutine, const Listener& listener) {
  auto* object = PyObject_GC_New(TaskCoroutineObject,
                                 reinterpret_cast<PyTypeObject*>(types.task_coroutine_type.get()));
  if (object == nullptr) {
    return {};
  }
  auto* self = reinterpret_cast<PyObject*>(object);
  std::construct_at(&object->coroutine, self, types, coroutine, listener);
  PyObject_GC_Track(self);
  return py::Ref::steal(self);
}

py::Ref make_go_on() {
  return py::Ref::steal(PyCFunction_New(&go_on_method, nullptr));
}

}  // namespace ringhorn::loop
