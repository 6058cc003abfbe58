// Tasks whose first step runs at once.
#include "core.hpp"

#include <utility>

#include "types.hpp"

namespace ringhorn::loop {

py::Ref Core::start_task(PyObject* coroutine, PyObject* name) {
  // Inside a callback or another task's step there may be a current task; asyncio's debug mode
  // wants to see and to time each step.
  if (!in_run() || in_callback_ || debug) {
    return make_task(coroutine, name);
  }
  in_callback_ = true;
  py::Ref task = make_stepped_task(coroutine, name);
  in_callback_ = false;
  return task;
}

py::Ref Core::make_task(PyObject* coroutine, PyObject* name) {
  PyObject* arguments[] = {nullptr, coroutine, self_, name};
  return py::Ref::steal(PyObject_Vectorcall(types_.task_type.get(), arguments + 1,
                                            1 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                            types_.task_keywords.get()));
}

#if PY_VERSION_HEX >= 0x030C0000

py::Ref Core::make_stepped_task(PyObject* coroutine, PyObject* name) {
  PyObject* arguments[] = {nullptr, coroutine, self_, name, Py_True};
  return py::Ref::steal(PyObject_Vectorcall(types_.task_type.get(), arguments + 1,
                                            1 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                            types_.stepped_task_keywords.get()));
}

#else

// 3.11 has no eager_start: the Task schedules its step while it is made. The context tells that one
// call from any other that a finaliser may make meanwhile.
py::Ref Core::make_stepped_task(PyObject* coroutine, PyObject* name) {
  const py::Ref context = py::Ref::steal(PyContext_CopyCurrent());
  if (!context) {
    return {};
  }
  captured_context_ = context.get();
  PyObject* arguments[] = {nullptr, coroutine, self_, name, context.get()};
  py::Ref task = py::Ref::steal(PyObject_Vectorcall(types_.task_type.get(), arguments + 1,
                                                    1 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                                    types_.stepped_task_keywords.get()));
  captured_context_ = nullptr;
  const py::Ref step = std::move(captured_step_);
  if (!task || !step) {
    return task;
  }
  if (PyContext_Enter(context.get()) < 0) {
    return {};
  }
  const py::Ref stepped = py::Ref::steal(PyObject_CallNoArgs(step.get()));
  if (PyContext_Exit(context.get()) < 0 || !stepped) {
    return {};
  }
  return task;
}

#endif

}  // namespace ringhorn::loop
