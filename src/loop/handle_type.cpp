// Handle and TimerHandle as Python sees them: the attributes that asyncio, its debug mode and tools
// look at. Only loops make them.
#include "handle.hpp"

#include <cstddef>
#include <memory>
#include <utility>

#include "core.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

Types& types_of(PyObject* self) {
  return core_of(as_handle(self)->loop).types();
}

bool is_timer_handle(PyObject* object, const Types& types) {
  return Py_TYPE(object) == reinterpret_cast<PyTypeObject*>(types.timer_handle_type.get());
}

PyObject* or_none(PyObject* object) {
  return Py_NewRef(object != nullptr ? object : Py_None);
}

// --- life ------------------------------------------------------------------------------------

int traverse(PyObject* self, visitproc visit, void* arg) {
  HandleObject* handle = as_handle(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(handle->loop);
  Py_VISIT(handle->callback);
  Py_VISIT(handle->context);
  Py_VISIT(handle->more_arguments);
  Py_VISIT(handle->source_traceback);
  for (unsigned i = 0; i < handle->count; ++i) {
    Py_VISIT(handle->arguments[1 + i]);
  }
  return 0;
}

/// Everything but the loop: that is needed to the end, and a loop drops its handles by itself.
int clear(PyObject* self) {
  HandleObject* handle = as_handle(self);
  handle->cancelled = true;
  Py_CLEAR(handle->callback);
  Py_CLEAR(handle->more_arguments);
  Py_CLEAR(handle->source_traceback);
  Py_CLEAR(handle->text);
  while (handle->count > 0) {
    Py_DECREF(handle->arguments[handle->count--]);
  }
  return 0;
}

/// `list` may die with the loop, which goes last.
void free_with(PyObject* self, FreeList& list) {
  HandleObject* handle = as_handle(self);
  if (handle->weak_references != nullptr) {
    PyObject_ClearWeakRefs(self);
  }
  clear(self);
  Py_CLEAR(handle->context);
  const py::Ref loop = py::Ref::steal(handle->loop);
  const py::Ref type = py::Ref::steal(reinterpret_cast<PyObject*>(Py_TYPE(self)));
  list.take(self);
}

void free_handle(PyObject* self) {
  PyObject_GC_UnTrack(self);
  free_with(self, types_of(self).handles);
}

void free_timer_handle(PyObject* self) {
  PyObject_GC_UnTrack(self);
  std::destroy_at(&as_timer_handle(self)->timer);
  free_with(self, types_of(self).timer_handles);
}

// --- methods ---------------------------------------------------------------------------------

PyObject* cancel(PyObject* self, PyObject*) {
  return cancel_handle(*as_handle(self)) ? Py_NewRef(Py_None) : nullptr;
}

PyObject* cancel_timer(PyObject* self, PyObject*) {
  const py::Ref alive = py::Ref::borrow(self);
  core_of(as_handle(self)->loop).disarm(as_timer_handle(self)->timer);
  return cancel(self, nullptr);
}

PyObject* cancelled(PyObject* self, PyObject*) {
  return PyBool_FromLong(as_handle(self)->cancelled);
}

PyObject* when(PyObject* self, PyObject*) {
  return PyFloat_FromDouble(as_timer_handle(self)->when);
}

PyObject* context(PyObject* self, PyObject*) {
  return or_none(as_handle(self)->context);
}

PyObject* run_handle(PyObject* self, PyObject*) {
  HandleObject* handle = as_handle(self);
  if (handle->cancelled) {
    PyErr_SetString(PyExc_RuntimeError, "the handle was cancelled");
    return nullptr;
  }
  return core_of(handle->loop).run_handle(*handle) ? Py_NewRef(Py_None) : nullptr;
}

PyObject* describe(PyObject* self) {
  HandleObject* handle = as_handle(self);
  return handle->text != nullptr ? Py_NewRef(handle->text)
                                 : PyObject_CallOneArg(types_of(self).describe_handle.get(), self);
}

// --- comparison ------------------------------------------------------------------------------

/// 1 or 0; -1 with an exception set.
int are_equal(PyObject* left, PyObject* right) {
  const TimerHandleObject* a = as_timer_handle(left);
  const TimerHandleObject* b = as_timer_handle(right);
  if (a->when != b->when || a->handle.cancelled != b->handle.cancelled) {
    return 0;
  }
  const py::Ref callback_a = py::Ref::steal(or_none(a->handle.callback));
  const py::Ref callback_b = py::Ref::steal(or_none(b->handle.callback));
  const int same = PyObject_RichCompareBool(callback_a.get(), callback_b.get(), Py_EQ);
  if (same <= 0) {
    return same;
  }
  const py::Ref arguments_a = py::Ref::steal(make_arguments(a->handle));
  const py::Ref arguments_b = py::Ref::steal(make_arguments(b->handle));
  return arguments_a && arguments_b
             ? PyObject_RichCompareBool(arguments_a.get(), arguments_b.get(), Py_EQ)
             : -1;
}

PyObject* compare(PyObject* left, PyObject* right, int operation) {
  if (!is_timer_handle(right, types_of(left))) {
    Py_RETURN_NOTIMPLEMENTED;
  }
  const double a = as_timer_handle(left)->when;
  const double b = as_timer_handle(right)->when;
  if (a != b || operation == Py_LT || operation == Py_GT) {
    Py_RETURN_RICHCOMPARE(a, b, operation);
  }
  const int equal = are_equal(left, right);
  return equal < 0 ? nullptr : PyBool_FromLong(operation == Py_NE ? !equal : equal);
}

Py_hash_t hash(PyObject* self) {
  const py::Ref time = py::Ref::steal(when(self, nullptr));
  return time ? PyObject_Hash(time.get()) : -1;
}

// --- attributes ------------------------------------------------------------------------------

PyObject* read_arguments(PyObject* self, void*) {
  return as_handle(self)->callback == nullptr ? Py_NewRef(Py_None)
                                              : make_arguments(*as_handle(self));
}

PyObject* read_scheduled(PyObject* self, void*) {
  return PyBool_FromLong(as_timer_handle(self)->timer.armed());
}

PyObject* read_when(PyObject* self, void*) {
  return when(self, nullptr);
}

constexpr Py_ssize_t weak_references_at = offsetof(HandleObject, weak_references);
PyMemberDef members[] = {
    {"_loop", T_OBJECT, offsetof(HandleObject, loop), READONLY, nullptr},
    {"_callback", T_OBJECT, offsetof(HandleObject, callback), READONLY, nullptr},
    {"_context", T_OBJECT, offsetof(HandleObject, context), READONLY, nullptr},
    {"_cancelled", T_BOOL, offsetof(HandleObject, cancelled), READONLY, nullptr},
    {"_source_traceback", T_OBJECT, offsetof(HandleObject, source_traceback), 0, nullptr},
    {"_repr", T_OBJECT, offsetof(HandleObject, text), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, weak_references_at, READONLY, nullptr},
    {},
};

PyGetSetDef handle_attributes[] = {{"_args", read_arguments, nullptr, nullptr, nullptr}, {}};
PyGetSetDef timer_attributes[] = {
    {"_args", read_arguments, nullptr, nullptr, nullptr},
    {"_when", read_when, nullptr, nullptr, nullptr},
    {"_scheduled", read_scheduled, nullptr, nullptr, nullptr},
    {},
};

PyMethodDef handle_methods[] = {
    {"cancel", cancel, METH_NOARGS, nullptr},
    {"cancelled", cancelled, METH_NOARGS, nullptr},
    {"get_context", context, METH_NOARGS, nullptr},
    {"_run", run_handle, METH_NOARGS, nullptr},
    {},
};
PyMethodDef timer_methods[] = {
    {"cancel", cancel_timer, METH_NOARGS, nullptr}, {"cancelled", cancelled, METH_NOARGS, nullptr},
    {"get_context", context, METH_NOARGS, nullptr}, {"when", when, METH_NOARGS, nullptr},
    {"_run", run_handle, METH_NOARGS, nullptr},     {},
};

PyType_Slot handle_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_handle)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(describe)},
    {Py_tp_members, members},
    {Py_tp_getset, handle_attributes},
    {Py_tp_methods, handle_methods},
    {},
};
PyType_Slot timer_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_timer_handle)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(describe)},
    {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
    {Py_tp_hash, reinterpret_cast<void*>(hash)},
    {Py_tp_members, members},
    {Py_tp_getset, timer_attributes},
    {Py_tp_methods, timer_methods},
    {},
};

constexpr unsigned flags =
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
PyType_Spec handle_spec = {"_ringhorn.Handle", sizeof(HandleObject), 0, flags, handle_slots};
PyType_Spec timer_spec = {"_ringhorn.TimerHandle", sizeof(TimerHandleObject), 0, flags,
                          timer_slots};

}  // namespace

PyObject* make_handle_type() {
  return PyType_FromSpec(&handle_spec);
}

PyObject* make_timer_handle_type() {
  return PyType_FromSpec(&timer_spec);
}

}  // namespace ringhorn::loop
