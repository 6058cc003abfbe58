#include "handle.hpp"

#include <memory>

#include <ringhorn/base/assert.hpp>

#include "core.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

/// Fills every field but the header. False with an exception set: the handle may then be dropped.
bool fill(Types& types, HandleObject& handle, PyObject* loop, const Call& call) {
  handle.loop = Py_NewRef(loop);
  handle.callback = Py_NewRef(call.callback);
  handle.context = call.context != nullptr ? Py_NewRef(call.context) : PyContext_CopyCurrent();
  handle.more_arguments = nullptr;
  handle.source_traceback = nullptr;
  handle.text = nullptr;
  handle.weak_references = nullptr;
  handle.cancelled = false;
  handle.count = 0;
  if (call.count <= HandleObject::inline_max) {
    for (; handle.count < call.count; ++handle.count) {
      handle.arguments[1 + handle.count] = Py_NewRef(call.arguments[handle.count]);
    }
  } else {
    handle.more_arguments = PyTuple_New(static_cast<Py_ssize_t>(call.count));
    for (std::size_t i = 0; handle.more_arguments != nullptr && i < call.count; ++i) {
      PyTuple_SET_ITEM(handle.more_arguments, static_cast<Py_ssize_t>(i),
                       Py_NewRef(call.arguments[i]));
    }
  }
  const bool complete =
      handle.context != nullptr && (handle.more_arguments != nullptr || handle.count == call.count);
  if (complete && core_of(loop).debug) {
    PyObject* frame = reinterpret_cast<PyObject*>(PyEval_GetFrame());
    handle.source_traceback =
        PyObject_CallOneArg(types.extract_stack.get(), frame != nullptr ? frame : Py_None);
    return handle.source_traceback != nullptr;
  }
  return complete;
}

void drop_call(HandleObject& handle) {
  const py::Ref callback = py::Ref::steal(std::exchange(handle.callback, nullptr));
  const py::Ref more = py::Ref::steal(std::exchange(handle.more_arguments, nullptr));
  py::Ref arguments[HandleObject::inline_max];
  for (unsigned i = 0; i < handle.count; ++i) {
    arguments[i] = py::Ref::steal(handle.arguments[1 + i]);
  }
  handle.count = 0;
}

}  // namespace

HandleObject* make_handle(Types& types, PyObject* loop, const Call& call) {
  PyObject* object = types.handles.make(reinterpret_cast<PyTypeObject*>(types.handle_type.get()));
  if (object == nullptr) {
    return nullptr;
  }
  const bool complete = fill(types, *as_handle(object), loop, call);
  PyObject_GC_Track(object);
  if (!complete) {
    Py_DECREF(object);
    return nullptr;
  }
  return as_handle(object);
}

TimerHandleObject* make_timer_handle(Types& types, PyObject* loop, const Call& call, double when) {
  PyObject* object =
      types.timer_handles.make(reinterpret_cast<PyTypeObject*>(types.timer_handle_type.get()));
  if (object == nullptr) {
    return nullptr;
  }
  TimerHandleObject* timer_handle = as_timer_handle(object);
  std::construct_at(&timer_handle->timer, *timer_handle);
  timer_handle->when = when;
  const bool complete = fill(types, timer_handle->handle, loop, call);
  PyObject_GC_Track(object);
  if (!complete) {
    Py_DECREF(object);
    return nullptr;
  }
  return timer_handle;
}

void HandleTimer::on_expired() {
  core_of(owner_.handle.loop).on_timer(*this);
}

PyObject* call_handle(HandleObject& handle) {
  RINGHORN_ASSERT(!handle.cancelled);
  if (PyContext_Enter(handle.context) < 0) {
    return nullptr;
  }
  // The callback may cancel its own handle.
  const py::Ref context = py::Ref::borrow(handle.context);
  const py::Ref callback = py::Ref::borrow(handle.callback);
  PyObject* result = nullptr;
  if (handle.more_arguments != nullptr) {
    const py::Ref arguments = py::Ref::borrow(handle.more_arguments);
    result = PyObject_Call(callback.get(), arguments.get(), nullptr);
  } else {
    PyObject* arguments[1 + HandleObject::inline_max] = {};
    const unsigned count = handle.count;
    for (unsigned i = 1; i <= count; ++i) {
      arguments[i] = Py_NewRef(handle.arguments[i]);
    }
    result = PyObject_Vectorcall(callback.get(), arguments + 1,
                                 count | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
    for (unsigned i = 1; i <= count; ++i) {
      Py_DECREF(arguments[i]);
    }
  }
  if (PyContext_Exit(context.get()) < 0) {
    Py_CLEAR(result);
  }
  return result;
}

bool cancel_handle(HandleObject& handle) {
  if (handle.cancelled) {
    return true;
  }
  Core& core = core_of(handle.loop);
  handle.cancelled = true;
  if (core.debug) {
    // For the warning that a callback which cancelled itself was slow.
    handle.text = PyObject_Repr(as_object(&handle));
    if (handle.text == nullptr) {
      return false;
    }
  }
  drop_call(handle);
  return true;
}

PyObject* make_arguments(const HandleObject& handle) {
  if (handle.more_arguments != nullptr) {
    return Py_NewRef(handle.more_arguments);
  }
  PyObject* tuple = PyTuple_New(handle.count);
  for (unsigned i = 0; tuple != nullptr && i < handle.count; ++i) {
    PyTuple_SET_ITEM(tuple, i, Py_NewRef(handle.arguments[1 + i]));
  }
  return tuple;
}

}  // namespace ringhorn::loop
