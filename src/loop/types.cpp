#include "types.hpp"

#include <initializer_list>
#include <memory>

#include <ringhorn/py/source.hpp>

#include "core.hpp"
#include "event_loop_source.hpp"
#include "handle.hpp"
#include "stream_calls.hpp"
#include "task_coroutine.hpp"
#include "task_registry.hpp"

namespace ringhorn::loop {

namespace {

constexpr const char* types_capsule_name = "ringhorn.loop.types";

#if PY_VERSION_HEX >= 0x030E0000
constexpr const char* step_at_once = "eager_start";
#else
constexpr const char* step_at_once = "context";
#endif

PyObject* retrieve_exception_of(PyObject*, PyObject* task) {
  const py::Ref exception = py::Ref::steal(PyObject_CallMethod(task, "exception", nullptr));
  if (!exception) {
    PyErr_Clear();  // it was cancelled
  }
  Py_RETURN_NONE;
}

PyMethodDef retrieve_exception_method = {"retrieve_exception", retrieve_exception_of, METH_O,
                                         nullptr};

void free_types(PyObject* capsule) {
  const std::unique_ptr<Types> owned(
      static_cast<Types*>(PyCapsule_GetPointer(capsule, types_capsule_name)));
}

py::Ref make_keywords(std::initializer_list<const char*> names) {
  py::Ref tuple = py::Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(names.size())));
  Py_ssize_t index = 0;
  for (const char* name : names) {
    PyObject* text = tuple ? PyUnicode_InternFromString(name) : nullptr;
    if (text == nullptr) {
      return {};
    }
    PyTuple_SET_ITEM(tuple.get(), index++, text);
  }
  return tuple;
}

bool read_attribute(const py::Ref& object, const char* name, py::Ref& value) {
  value = object ? py::Ref::steal(PyObject_GetAttrString(object.get(), name)) : py::Ref();
  return static_cast<bool>(value);
}

}  // namespace

py::Ref Types::find_or_make() {
  PyObject* shared = PyInterpreterState_GetDict(PyInterpreterState_Get());
  if (shared == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "the interpreter has ended");
    return {};
  }
  const py::Ref key = py::Ref::steal(PyUnicode_InternFromString(types_capsule_name));
  PyObject* found = key ? PyDict_GetItemWithError(shared, key.get()) : nullptr;
  if (found != nullptr || PyErr_Occurred() != nullptr) {
    return py::Ref::borrow(found);
  }
  auto types = std::make_unique<Types>();
  if (!types->prepare()) {
    return {};
  }
  py::Ref made = py::Ref::steal(PyCapsule_New(types.get(), types_capsule_name, free_types));
  if (!made) {
    return {};
  }
  [[maybe_unused]] const Types* owned_by_capsule = types.release();
  return PyDict_SetItem(shared, key.get(), made.get()) == 0 ? made : py::Ref();
}

Types& Types::of(const py::Ref& reference) {
  return *static_cast<Types*>(PyCapsule_GetPointer(reference.get(), types_capsule_name));
}

bool Types::prepare() {
  context_name = py::Ref::steal(PyUnicode_InternFromString("context"));
  handle_type = py::Ref::steal(make_handle_type());
  timer_handle_type = py::Ref::steal(make_timer_handle_type());
  core_type = py::Ref::steal(make_core_type());
  stream_type = py::Ref::steal(make_stream_type());
  task_coroutine_type = py::Ref::steal(make_task_coroutine_type());
  return context_name && handle_type && timer_handle_type && core_type && stream_type &&
         task_coroutine_type && prepare_asyncio() && prepare_glue() && prepare_registry();
}

bool Types::prepare_asyncio() {
  const py::Ref asyncio = py::Ref::steal(PyImport_ImportModule("asyncio.tasks"));
  task_keywords = make_keywords({"loop", "name", "context"});
  step_option = py::Ref::steal(PyUnicode_InternFromString(step_at_once));
  throw_name = py::Ref::steal(PyUnicode_InternFromString("throw"));
  go_on = make_go_on();
  retrieve_exception = py::Ref::steal(PyCFunction_New(&retrieve_exception_method, nullptr));
  return task_keywords && step_option && throw_name && go_on && retrieve_exception &&
         read_attribute(asyncio, "_enter_task", enter_task) &&
         read_attribute(asyncio, "_leave_task", leave_task) &&
         read_attribute(asyncio, "Task", task_type) && prepare_futures();
}

bool Types::prepare_futures() {
  // Exactly this one: tasks have a fast path for no other.
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("_asyncio"));
  py::Ref blocking;
  future_keywords = make_keywords({"loop"});
  if (!future_keywords || !read_attribute(module, "Future", future_type) ||
      !read_attribute(future_type, "set_result", future_set_result) ||
      !read_attribute(future_type, "done", future_done) ||
      !read_attribute(future_type, "_asyncio_future_blocking", blocking)) {
    return false;
  }
  if (!PyObject_TypeCheck(blocking.get(), &PyGetSetDescr_Type)) {
    PyErr_SetString(PyExc_TypeError, "_asyncio.Future is not the one of CPython");
    return false;
  }
  future_blocking = reinterpret_cast<PyGetSetDescrObject*>(blocking.get())->d_getset;
  return true;
}

bool Types::prepare_glue() {
  const py::Ref glue = py::run_source("ringhorn.loop", py::event_loop_source);
  py::Ref make_loop_class, transport_class;
  if (!read_attribute(glue, "make_loop_class", make_loop_class) ||
      !read_attribute(glue, "SocketTransport", transport_class)) {
    return false;
  }
  stream_calls_owner_ = StreamCalls::make(transport_class.get());
  if (!stream_calls_owner_) {
    return false;
  }
  stream_calls_ = &StreamCalls::of(stream_calls_owner_);
  loop_class = py::Ref::steal(PyObject_CallOneArg(make_loop_class.get(), core_type.get()));
  return loop_class && read_attribute(glue, "report_failure", report_failure) &&
         read_attribute(glue, "report_slow", report_slow) &&
         read_attribute(glue, "give_way", give_way) &&
         read_attribute(glue, "describe_handle", describe_handle) &&
         read_attribute(glue, "extract_stack", extract_stack) &&
         read_attribute(glue, "BindArguments", bind_arguments);
}

}  // namespace ringhorn::loop
