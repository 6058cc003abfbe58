#include "task_registry.hpp"

#include <utility>

#include <ringhorn/py/ref.hpp>

#include "core.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

#if PY_VERSION_HEX >= 0x030C0000
constexpr const char* registry_name = "_scheduled_tasks";
#else
constexpr const char* registry_name = "_all_tasks";
#endif

// What the functions below have for `self`: a tuple of the parts of the WeakSet. The last two are
// of `add` alone.
enum Part : Py_ssize_t { data, pending, iterating, forget, slow_add, part_count };
constexpr Py_ssize_t forget_part_count = forget;

PyObject* part(PyObject* parts, Part which) {
  return PyTuple_GET_ITEM(parts, which);
}

/// The task of `reference` is gone: as WeakSet._remove, which waits while somebody iterates.
PyObject* forget_task(PyObject* parts, PyObject* reference) {
  const int done = PySet_GET_SIZE(part(parts, iterating)) > 0
                       ? PyList_Append(part(parts, pending), reference)
                       : PySet_Discard(part(parts, data), reference);
  return done < 0 ? nullptr : Py_NewRef(Py_None);
}

/// As WeakSet.add.
PyObject* add_task(PyObject* parts, PyObject* task) {
  if (PyList_GET_SIZE(part(parts, pending)) > 0) {
    return PyObject_CallOneArg(part(parts, slow_add), task);
  }
  const py::Ref reference = py::Ref::steal(PyWeakref_NewRef(task, part(parts, forget)));
  return reference && PySet_Add(part(parts, data), reference.get()) == 0 ? Py_NewRef(Py_None)
                                                                         : nullptr;
}

PyMethodDef forget_definition = {"_remove", forget_task, METH_O, nullptr};
PyMethodDef add_definition = {"add", add_task, METH_O, nullptr};

py::Ref attribute(const py::Ref& object, const char* name) {
  return object ? py::Ref::steal(PyObject_GetAttrString(object.get(), name)) : py::Ref();
}

/// The loop that runs in this thread, if it is a native one.
Core* find_running_core() {
  const py::Ref types = Types::find_or_make();
  const py::Ref events =
      types ? py::Ref::steal(PyImport_ImportModule("asyncio.events")) : py::Ref();
  const py::Ref loop =
      events ? py::Ref::steal(PyObject_CallMethod(events.get(), "_get_running_loop", nullptr))
             : py::Ref();
  const bool native =
      loop && PyObject_TypeCheck(loop.get(),
                                 reinterpret_cast<PyTypeObject*>(Types::of(types).core_type.get()));
  return native ? &core_of(loop.get()) : nullptr;
}

/// Somebody walks through the set: all tasks are to be in it.
PyObject* walk(PyObject* data) {
  Core* core = find_running_core();
  const bool complete = core != nullptr ? core->reveal_task() : PyErr_Occurred() == nullptr;
  return complete ? PySet_Type.tp_iter(data) : nullptr;
}

PyType_Slot data_slots[] = {{Py_tp_iter, reinterpret_cast<void*>(walk)}, {}};
PyType_Spec data_spec = {"_ringhorn.TaskSet", 0, 0, Py_TPFLAGS_DEFAULT, data_slots};

/// The references of `data` in a set that tells when somebody walks through it.
py::Ref make_data(const py::Ref& data) {
  const py::Ref bases = py::Ref::steal(PyTuple_Pack(1, &PySet_Type));
  const py::Ref type =
      bases ? py::Ref::steal(PyType_FromSpecWithBases(&data_spec, bases.get())) : py::Ref();
  return type ? py::Ref::steal(PyObject_CallOneArg(type.get(), data.get())) : py::Ref();
}

/// The set, if it is of the kind that this file knows and nobody has changed it; else empty.
py::Ref find_registry() {
  const py::Ref asyncio = py::Ref::steal(PyImport_ImportModule("asyncio.tasks"));
  const py::Ref weakref = py::Ref::steal(PyImport_ImportModule("weakref"));
  py::Ref registry = attribute(asyncio, registry_name);
  const py::Ref kind = attribute(weakref, "WeakSet");
  const py::Ref own = attribute(registry, "__dict__");
  const bool known = own && kind &&
                     reinterpret_cast<PyObject*>(Py_TYPE(registry.get())) == kind.get() &&
                     PyDict_Check(own.get()) && PyDict_GetItemString(own.get(), "add") == nullptr;
  PyErr_Clear();
  return known ? std::move(registry) : py::Ref();
}

/// The function of `definition` with the first `count` of `parts` for its `self`.
py::Ref make_function(PyMethodDef& definition, const py::Ref* parts, Py_ssize_t count) {
  const py::Ref self = py::Ref::steal(PyTuple_New(count));
  for (Py_ssize_t i = 0; self && i < count; ++i) {
    PyTuple_SET_ITEM(self.get(), i, Py_NewRef(parts[i].get()));
  }
  return self ? py::Ref::steal(PyCFunction_New(&definition, self.get())) : py::Ref();
}

}  // namespace

bool prepare_registry() {
  const py::Ref registry = find_registry();
  py::Ref parts[part_count] = {
      attribute(registry, "data"), attribute(registry, "_pending_removals"),
      attribute(registry, "_iterating"), py::Ref(), attribute(registry, "add")};
  PyErr_Clear();
  if (!registry || !parts[data] || !PySet_CheckExact(parts[data].get()) || !parts[pending] ||
      !PyList_CheckExact(parts[pending].get()) || !parts[iterating] ||
      !PySet_CheckExact(parts[iterating].get()) || !parts[slow_add]) {
    return true;
  }
  parts[data] = make_data(parts[data]);
  parts[forget] =
      parts[data] ? make_function(forget_definition, parts, forget_part_count) : py::Ref();
  const py::Ref add = parts[forget] ? make_function(add_definition, parts, part_count) : py::Ref();
  return add && PyObject_SetAttrString(registry.get(), "data", parts[data].get()) == 0 &&
         PyObject_SetAttrString(registry.get(), "add", add.get()) == 0;
}

}  // namespace ringhorn::loop
