// LoopCore, the Python type around Core: the methods that are called all the time, and the
// attributes of BaseEventLoop that native code has to see.
#include <climits>
#include <cstddef>
#include <memory>
#include <utility>

#include <ringhorn/base/clock.hpp>

#include "core.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

PyObject* make_core(PyTypeObject* type, PyObject*, PyObject*) {
  py::Ref types = Types::find_or_make();
  PyObject* self = types ? type->tp_alloc(type, 0) : nullptr;
  if (self != nullptr) {
    std::construct_at(&core_of(self), self, std::move(types));
  }
  return self;
}

int traverse_core(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return core_of(self).traverse(visit, arg);
}

int clear_core(PyObject* self) {
  core_of(self).clear();
  return 0;
}

void free_core(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  core_of(self).clear();
  std::destroy_at(&core_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

// --- scheduling ------------------------------------------------------------------------------

/// The arguments of a METH_FASTCALL | METH_KEYWORDS call: `leading` positional ones, then what the
/// callback gets. False: let bind_arguments() sort it out, or say what is wrong.
bool read_call(Types& types, PyObject* const* arguments, Py_ssize_t count, PyObject* keywords,
               Py_ssize_t leading, Call& call) {
  if (count < leading + 1) {
    return false;
  }
  PyObject* context = nullptr;
  if (keywords != nullptr && PyTuple_GET_SIZE(keywords) > 0) {
    if (PyTuple_GET_SIZE(keywords) > 1 || !types.is_context(PyTuple_GET_ITEM(keywords, 0))) {
      return false;
    }
    context = arguments[count];
  }
  call = {arguments[leading], arguments + leading + 1,
          static_cast<std::size_t>(count - leading - 1), context == Py_None ? nullptr : context};
  return true;
}

/// Calls the method again, by way of Python, with its arguments in order; or raises TypeError.
PyObject* call_by_name(PyObject* self, const char* method, PyObject* const* arguments,
                       Py_ssize_t count, PyObject* keywords) {
  const py::Ref bind =
      py::Ref::steal(PyObject_GetAttrString(core_of(self).types().bind_arguments.get(), method));
  const py::Ref bound = bind ? py::Ref::steal(PyMethod_New(bind.get(), self)) : py::Ref();
  return bound ? PyObject_Vectorcall(bound.get(), arguments, static_cast<std::size_t>(count),
                                     keywords)
               : nullptr;
}

bool check_debug(PyObject* self, PyObject* callback, const char* method) {
  return static_cast<bool>(
      py::Ref::steal(PyObject_CallMethod(self, "_check_callback", "Os", callback, method)));
}

PyObject* call_soon(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                    PyObject* keywords) {
  Core& core = core_of(self);
  Call call;
  if (!read_call(core.types(), arguments, count, keywords, 0, call)) {
    return call_by_name(self, "call_soon", arguments, count, keywords);
  }
  if (!core.check_closed() ||
      (core.debug && !(core.check_thread() && check_debug(self, call.callback, "call_soon")))) {
    return nullptr;
  }
  return core.schedule(call);
}

PyObject* call_soon_threadsafe(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                               PyObject* keywords) {
  Core& core = core_of(self);
  Call call;
  if (!read_call(core.types(), arguments, count, keywords, 0, call)) {
    return call_by_name(self, "call_soon_threadsafe", arguments, count, keywords);
  }
  if (!core.check_closed() ||
      (core.debug && !check_debug(self, call.callback, "call_soon_threadsafe"))) {
    return nullptr;
  }
  return core.schedule_threadsafe(call);
}

PyObject* schedule_at(PyObject* self, const Call& call, double when) {
  Core& core = core_of(self);
  if ((when == -1.0 && PyErr_Occurred() != nullptr) || !core.check_closed() ||
      (core.debug && !(core.check_thread() && check_debug(self, call.callback, "call_at")))) {
    return nullptr;
  }
  return core.schedule_at(call, when);
}

double monotonic_seconds() {
  return static_cast<double>(base::monotonic_ns()) / static_cast<double>(base::ns_per_s);
}

PyObject* call_later(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                     PyObject* keywords) {
  Call call;
  if (!read_call(core_of(self).types(), arguments, count, keywords, 1, call)) {
    return call_by_name(self, "call_later", arguments, count, keywords);
  }
  if (arguments[0] == Py_None) {
    PyErr_SetString(PyExc_TypeError, "delay must not be None");
    return nullptr;
  }
  const double delay = PyFloat_AsDouble(arguments[0]);
  return schedule_at(self, call, delay == -1.0 ? delay : monotonic_seconds() + delay);
}

PyObject* call_at(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                  PyObject* keywords) {
  Call call;
  if (!read_call(core_of(self).types(), arguments, count, keywords, 1, call)) {
    return call_by_name(self, "call_at", arguments, count, keywords);
  }
  if (arguments[0] == Py_None) {
    PyErr_SetString(PyExc_TypeError, "when cannot be None");
    return nullptr;
  }
  return schedule_at(self, call, PyFloat_AsDouble(arguments[0]));
}

// --- descriptors -----------------------------------------------------------------------------

/// -1 with an exception set: of the types that the selectors module raises.
int to_descriptor(PyObject* object) {
  const py::Ref number = PyLong_Check(object)
                             ? py::Ref::borrow(object)
                             : py::Ref::steal(PyObject_CallMethod(object, "fileno", nullptr));
  const long fd = number ? PyLong_AsLong(number.get()) : -1;
  if (PyErr_Occurred() != nullptr) {
    PyErr_Format(PyExc_ValueError, "Invalid file object: %R", object);
    return -1;
  }
  if (fd < 0 || fd > INT_MAX) {
    PyErr_Format(PyExc_ValueError, "Invalid file descriptor: %ld", fd);
    return -1;
  }
  return static_cast<int>(fd);
}

PyObject* watch(PyObject* self, PyObject* const* arguments, Py_ssize_t count, Direction direction) {
  Core& core = core_of(self);
  Call call;
  if (!core.check_closed()) {
    return nullptr;
  }
  if (!read_call(core.types(), arguments, count, nullptr, 1, call)) {
    PyErr_SetString(PyExc_TypeError, "a descriptor and a callback are needed");
    return nullptr;
  }
  const int fd = to_descriptor(arguments[0]);
  return fd < 0 ? nullptr : core.watch(fd, direction, call);
}

PyObject* unwatch(PyObject* self, PyObject* file, Direction direction) {
  if (core_of(self).closed) {
    Py_RETURN_FALSE;
  }
  const int fd = to_descriptor(file);
  const int removed = fd < 0 ? -1 : core_of(self).unwatch(fd, direction);
  return removed < 0 ? nullptr : PyBool_FromLong(removed);
}

PyObject* add_reader(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  return watch(self, arguments, count, Direction::read);
}
PyObject* add_writer(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  return watch(self, arguments, count, Direction::write);
}
PyObject* remove_reader(PyObject* self, PyObject* file) {
  return unwatch(self, file, Direction::read);
}
PyObject* remove_writer(PyObject* self, PyObject* file) {
  return unwatch(self, file, Direction::write);
}

/// The selectors.EVENT_* that are watched for on a descriptor.
PyObject* watched_events(PyObject* self, PyObject* file) {
  const int fd = to_descriptor(file);
  if (fd < 0) {
    return nullptr;
  }
  const Core& core = core_of(self);
  return PyLong_FromLong((core.watches(fd, Direction::read) ? 1 : 0) |
                         (core.watches(fd, Direction::write) ? 2 : 0));
}

/// The receiving side of a socket transport.
PyObject* make_stream(PyObject* self, PyObject* transport) {
  return core_of(self).make_stream(transport);
}

// --- life ------------------------------------------------------------------------------------

PyObject* run(PyObject* self, PyObject*) {
  Core& core = core_of(self);
  if (core.in_run()) {
    PyErr_SetString(PyExc_RuntimeError, "This event loop is already running");
    return nullptr;
  }
  return core.run() ? Py_NewRef(Py_None) : nullptr;
}

PyObject* release(PyObject* self, PyObject*) {
  core_of(self).clear();
  Py_RETURN_NONE;
}

PyObject* stop(PyObject* self, PyObject*) {
  core_of(self).stop();
  Py_RETURN_NONE;
}

PyObject* wake(PyObject* self, PyObject*) {
  core_of(self).wake();
  Py_RETURN_NONE;
}

PyObject* time(PyObject*, PyObject*) {
  return PyFloat_FromDouble(monotonic_seconds());
}

PyObject* is_running(PyObject* self, PyObject*) {
  return PyBool_FromLong(core_of(self).thread_id != 0);
}

PyObject* is_closed(PyObject* self, PyObject*) {
  return PyBool_FromLong(core_of(self).closed);
}

PyObject* debug_mode(PyObject* self, PyObject*) {
  return PyBool_FromLong(core_of(self).debug);
}

PyObject* check_closed(PyObject* self, PyObject*) {
  return core_of(self).check_closed() ? Py_NewRef(Py_None) : nullptr;
}

PyObject* check_thread(PyObject* self, PyObject*) {
  return core_of(self).check_thread() ? Py_NewRef(Py_None) : nullptr;
}

PyObject* create_future(PyObject* self, PyObject*) {
  return core_of(self).types().make_future(self).release();
}

/// asyncio keeps the current tasks in a dict by loop: whoever looks for this loop's asks for its
/// hash first.
Py_hash_t hash_core(PyObject* self) {
  return core_of(self).reveal_task() ? PyBaseObject_Type.tp_hash(self) : -1;
}

// --- attributes ------------------------------------------------------------------------------

template <bool Core::*flag>
PyObject* read_flag(PyObject* self, void*) {
  return PyBool_FromLong(core_of(self).*flag);
}

template <bool Core::*flag>
int write_flag(PyObject* self, PyObject* value, void*) {
  const int truth = value != nullptr ? PyObject_IsTrue(value) : 0;
  core_of(self).*flag = truth > 0;
  return truth < 0 ? -1 : 0;
}

PyObject* read_thread_id(PyObject* self, void*) {
  const unsigned long id = core_of(self).thread_id;
  return id != 0 ? PyLong_FromUnsignedLong(id) : Py_NewRef(Py_None);
}

int write_thread_id(PyObject* self, PyObject* value, void*) {
  const unsigned long id = value == nullptr || value == Py_None ? 0 : PyLong_AsUnsignedLong(value);
  if (PyErr_Occurred() != nullptr) {
    return -1;
  }
  core_of(self).thread_id = id;
  return 0;
}

PyObject* read_current_handle(PyObject* self, void*) {
  PyObject* handle = core_of(self).current_handle.get();
  return Py_NewRef(handle != nullptr ? handle : Py_None);
}

int write_current_handle(PyObject* self, PyObject* value, void*) {
  core_of(self).current_handle = value == Py_None ? py::Ref() : py::Ref::borrow(value);
  return 0;
}

template <typename Function>
PyCFunction as_method(Function* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

constexpr int with_keywords = METH_FASTCALL | METH_KEYWORDS;

PyMethodDef core_methods[] = {
    {"call_soon", as_method(call_soon), with_keywords, nullptr},
    {"call_soon_threadsafe", as_method(call_soon_threadsafe), with_keywords, nullptr},
    {"call_later", as_method(call_later), with_keywords, nullptr},
    {"call_at", as_method(call_at), with_keywords, nullptr},
    {"time", time, METH_NOARGS, nullptr},
    {"create_future", create_future, METH_NOARGS, nullptr},
    {"is_running", is_running, METH_NOARGS, nullptr},
    {"is_closed", is_closed, METH_NOARGS, nullptr},
    {"get_debug", debug_mode, METH_NOARGS, nullptr},
    {"stop", stop, METH_NOARGS, nullptr},
    {"_run", run, METH_NOARGS, nullptr},
    {"_release", release, METH_NOARGS, nullptr},
    {"_add_reader", as_method(add_reader), METH_FASTCALL, nullptr},
    {"_add_writer", as_method(add_writer), METH_FASTCALL, nullptr},
    {"_remove_reader", remove_reader, METH_O, nullptr},
    {"_remove_writer", remove_writer, METH_O, nullptr},
    {"_watched_events", watched_events, METH_O, nullptr},
    {"_make_stream", make_stream, METH_O, nullptr},
    {"_write_to_self", wake, METH_NOARGS, nullptr},
    {"_check_closed", check_closed, METH_NOARGS, nullptr},
    {"_check_thread", check_thread, METH_NOARGS, nullptr},
    {},
};

PyGetSetDef core_attributes[] = {
    {"_closed", read_flag<&Core::closed>, write_flag<&Core::closed>, nullptr, nullptr},
    {"_stopping", read_flag<&Core::stopping>, write_flag<&Core::stopping>, nullptr, nullptr},
    {"_debug", read_flag<&Core::debug>, write_flag<&Core::debug>, nullptr, nullptr},
    {"_thread_id", read_thread_id, write_thread_id, nullptr, nullptr},
    {"_current_handle", read_current_handle, write_current_handle, nullptr, nullptr},
    {},
};

PyType_Slot core_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make_core)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_core)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_core)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_core)},
    {Py_tp_hash, reinterpret_cast<void*>(hash_core)},
    {Py_tp_methods, core_methods},
    {Py_tp_getset, core_attributes},
    {},
};

PyType_Spec core_spec = {"_ringhorn.LoopCore", sizeof(CoreObject), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, core_slots};

}  // namespace

PyObject* make_core_type() {
  return PyType_FromSpec(&core_spec);
}

}  // namespace ringhorn::loop
