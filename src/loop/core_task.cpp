// Tasks whose first step runs at once.
#include <utility>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/py/error.hpp>

#include "core.hpp"
#include "types.hpp"

namespace ringhorn::loop {

py::Ref Core::start_task(PyObject* coroutine, PyObject* name) {
  // Inside a callback or another task's step there may be a current task; asyncio's debug mode
  // wants to see and to time each step.
  if (!in_run() || in_callback_ || debug) {
    return make_plain_task(coroutine, name);
  }
  if (going_on_ > 0 || !newcomers_.empty()) {
    making_newcomer_ = true;
    py::Ref task = make_plain_task(coroutine, name);
    making_newcomer_ = false;
    return task;
  }
  in_callback_ = true;
  py::Ref task = prepare_task_options(name) ? make_stepped_task(coroutine) : py::Ref();
  in_callback_ = false;
  return task;
}

/// Whose first step is scheduled.
py::Ref Core::make_plain_task(PyObject* coroutine, PyObject* name) {
  PyObject* arguments[] = {nullptr, coroutine, self_, name};
  return py::Ref::steal(PyObject_Vectorcall(types_.task_type.get(), arguments + 1,
                                            1 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                            types_.task_keywords.get()));
}

/// The keyword arguments are a dict that stays: to build one per task takes a tenth of its time.
bool Core::prepare_task_options(PyObject* name) {
  if (!task_options_) {
    task_options_ = py::Ref::steal(PyDict_New());
    if (!task_options_ || PyDict_SetItemString(task_options_.get(), "loop", self_) < 0) {
      return false;
    }
    task_name_.reset();
  }
  if (task_name_.get() != name) {
    task_name_ = py::Ref::borrow(name);
    return PyDict_SetItemString(task_options_.get(), "name", name) == 0;
  }
  return true;
}

py::Ref Core::make_task(PyObject* coroutine, PyObject* option) {
  const py::Ref arguments = py::Ref::steal(PyTuple_Pack(1, coroutine));
  if (!arguments || PyDict_SetItem(task_options_.get(), types_.step_option.get(), option) < 0) {
    return {};
  }
  return py::Ref::steal(
      PyObject_Call(types_.task_type.get(), arguments.get(), task_options_.get()));
}

#if PY_VERSION_HEX >= 0x030C0000

py::Ref Core::make_stepped_task(PyObject* coroutine) {
  return make_task(coroutine, Py_True);
}

#else

namespace {

/// The exception that is set ended `task`: nobody need be told at the task's end that it was lost.
void note_retrieved(const py::Ref& task) {
  py::Ref raised = py::fetch_exception();
  const py::Ref exception = py::Ref::steal(PyObject_CallMethod(task.get(), "exception", nullptr));
  if (!exception) {
    PyErr_Clear();
  }
  py::raise(std::move(raised));
}

}  // namespace

// CPython 3.11 has no eager_start: the Task schedules its step while it is made. The context tells
// that one call from any other that a finaliser may make meanwhile.
py::Ref Core::make_stepped_task(PyObject* coroutine) {
  RINGHORN_ASSERT(captured_context_ == nullptr && !captured_step_);
  const py::Ref context = py::Ref::steal(PyContext_CopyCurrent());
  if (!context) {
    return {};
  }
  captured_context_ = context.get();
  py::Ref task = make_task(coroutine, context.get());
  captured_context_ = nullptr;
  const py::Ref step = std::move(captured_step_);
  // What the request keeps in its context ends with the request.
  if (!task || PyDict_SetItem(task_options_.get(), types_.step_option.get(), Py_None) < 0) {
    return {};
  }
  RINGHORN_ASSERT(step);
  if (PyContext_Enter(context.get()) < 0) {
    return {};
  }
  // SystemExit and KeyboardInterrupt come out of it; all else stays in the task.
  const py::Ref stepped = py::Ref::steal(PyObject_CallNoArgs(step.get()));
  if (!stepped) {
    note_retrieved(task);
  }
  return PyContext_Exit(context.get()) == 0 && stepped ? task : py::Ref();
}

#endif

}  // namespace ringhorn::loop
