// The steps of coroutines that run without their task: the first, at once, and later ones.
#include <utility>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/py/error.hpp>

#include "core.hpp"
#include "task_coroutine.hpp"
#include "types.hpp"

namespace ringhorn::loop {

py::Ref Core::begin(PyObject* coroutine, PyObject* name, const Listener& listener) {
  // Inside a callback or another task's step there may be a current task; asyncio's debug mode
  // wants to see and to time each step.
  if (!in_run() || in_callback_ || debug) {
    return make_listened_task(types_, self_, this, coroutine, name, listener);
  }
  if (going_on_ > 0 || !newcomers_.empty()) {
    making_newcomer_ = true;
    py::Ref task = make_listened_task(types_, self_, this, coroutine, name, listener);
    making_newcomer_ = false;
    return task;
  }
  in_callback_ = true;
  py::Ref task = step_at_once(coroutine, name, listener);
  in_callback_ = false;
  return task;
}

/// A task with the option that step_option names. The keyword arguments are a dict that stays: to
/// build one per task takes a tenth of its time.
py::Ref Core::make_task(PyObject* coroutine, PyObject* name, PyObject* option) {
  if (!task_options_) {
    task_options_ = py::Ref::steal(PyDict_New());
    if (!task_options_ || PyDict_SetItemString(task_options_.get(), "loop", self_) < 0) {
      return {};
    }
    task_name_.reset();
  }
  if (task_name_.get() != name) {
    task_name_ = py::Ref::borrow(name);
    if (PyDict_SetItemString(task_options_.get(), "name", name) < 0) {
      return {};
    }
  }
  const py::Ref arguments = py::Ref::steal(PyTuple_Pack(1, coroutine));
  if (!arguments || PyDict_SetItem(task_options_.get(), types_.step_option.get(), option) < 0) {
    return {};
  }
  return py::Ref::steal(
      PyObject_Call(types_.task_type.get(), arguments.get(), task_options_.get()));
}

#if PY_VERSION_HEX >= 0x030E0000

// The thread's state knows the current task: nothing tells when somebody looks at it.
py::Ref Core::step_at_once(PyObject* coroutine, PyObject* name, const Listener& listener) {
  const py::Ref own = make_task_coroutine(types_, coroutine, listener);
  py::Ref task = own ? make_task(own.get(), name, Py_True) : py::Ref();
  if (task) {
    task_coroutine_of(own.get()).set_task(task.get(), nullptr, {});
  } else if (!own || !task_coroutine_of(own.get()).over()) {
    tell_failure(listener);
  }
  return task && !task_coroutine_of(own.get()).over() ? task : py::Ref();
}

bool Core::reveal_task() {
  return true;
}

#else

/// Of a coroutine without its task, as long as it runs.
struct Core::Step {
  py::Ref task;          ///< empty in a first step, until somebody looks at the current task
  bool entered = false;  ///< it is the current task
};

struct Core::FirstStep : Step {
  PyObject* coroutine;
  PyObject* name;
  const Listener& listener;
  py::Ref context;
  py::Ref task_coroutine;  ///< empty as long as the task is
};

// Most requests are over after one step in which nobody looks at the current task, and a task costs
// more than all else that the loop does for them. So the step runs without one: the task is made
// when somebody looks (reveal_task), or when the coroutine has yielded.
py::Ref Core::step_at_once(PyObject* coroutine, PyObject* name, const Listener& listener) {
  FirstStep step{{}, coroutine, name, listener, py::Ref::steal(PyContext_CopyCurrent()), {}};
  if (!step.context || PyContext_Enter(step.context.get()) < 0) {
    tell_failure(listener);
    return {};
  }
  PyObject* result = nullptr;
  const PySendResult sent = run_step(step, coroutine, &result);
  py::Ref given = py::Ref::steal(result);
  py::Ref task;
  if (sent == PYGEN_NEXT || step.task) {
    task = go_on(step, sent, std::move(given));
  } else if (sent == PYGEN_RETURN) {
    listener.ending.on_returned(given.get());
  } else {
    tell_exception(listener);
  }
  return PyContext_Exit(step.context.get()) == 0 ? task : py::Ref();
}

PySendResult Core::step_without(PyObject* task, PyObject* coroutine, PyObject** result) {
  Step step{py::Ref::borrow(task)};
  const PySendResult sent = run_step(step, coroutine, result);
  if (running_driver_->inherited()) {
    // As if the task had kept it.
    if (sent == PYGEN_ERROR && PyErr_ExceptionMatches(PyExc_Exception) != 0) {
      PyErr_Clear();
    }
    py::end_forked_child();
  }
  return sent;
}

/// As PyIter_Send().
PySendResult Core::run_step(Step& step, PyObject* coroutine, PyObject** result) {
  RINGHORN_ASSERT(step_ == nullptr);
  step_ = &step;
  const PySendResult sent = PyIter_Send(coroutine, Py_None, result);
  step_ = nullptr;
  if (!step.entered) {
    return sent;
  }
  py::Ref raised = sent == PYGEN_ERROR ? py::fetch_exception() : py::Ref();
  if (!enter_or_leave(types_.leave_task, step.task)) {
    Py_CLEAR(*result);
    return PYGEN_ERROR;
  }
  if (raised) {
    py::raise(std::move(raised));
  }
  return sent;
}

/// The current task is about to be looked up in asyncio's dict, whose keys are loops: see hash_core
/// in core_type.cpp.
bool Core::reveal_task() {
  if (step_ == nullptr || std::exchange(step_->entered, true)) {
    return true;
  }
  step_->entered = (step_->task || make_task_of(static_cast<FirstStep&>(*step_))) &&
                   enter_or_leave(types_.enter_task, step_->task);
  return step_->entered;
}

bool Core::make_task_of(FirstStep& step) {
  RINGHORN_ASSERT(captured_context_ == nullptr && !captured_step_);
  step.task_coroutine = make_task_coroutine(types_, step.coroutine, step.listener);
  if (!step.task_coroutine) {
    return false;
  }
  // The context tells the task's own call of call_soon from any that a finaliser may make
  // meanwhile.
  captured_context_ = step.context.get();
  step.task = make_task(step.task_coroutine.get(), step.name, step.context.get());
  captured_context_ = nullptr;
  // What the request keeps in its context ends with the request.
  if (!step.task || PyDict_SetItem(task_options_.get(), types_.step_option.get(), Py_None) < 0) {
    return false;
  }
  task_coroutine_of(step.task_coroutine.get()).set_task(step.task.get(), this, step.context);
  return true;
}

bool Core::enter_or_leave(const py::Ref& function, const py::Ref& task) {
  PyObject* arguments[] = {self_, task.get()};
  return static_cast<bool>(
      py::Ref::steal(PyObject_Vectorcall(function.get(), arguments, 2, nullptr)));
}

/// Makes what the first step has given that of a task's own first step.
py::Ref Core::go_on(FirstStep& step, PySendResult sent, py::Ref given) {
  if (sent == PYGEN_ERROR) {
    given = py::fetch_exception();
  }
  const bool made = step.task || make_task_of(step);
  const py::Ref own_step = std::move(captured_step_);
  if (!made) {
    tell_failure(step.listener);
    return {};
  }
  RINGHORN_ASSERT(own_step);
  task_coroutine_of(step.task_coroutine.get()).keep_step(sent, std::move(given));
  // SystemExit and KeyboardInterrupt come out of it; all else stays in the task.
  const py::Ref stepped = py::Ref::steal(PyObject_CallNoArgs(own_step.get()));
  return stepped && !task_coroutine_of(step.task_coroutine.get()).over() ? std::move(step.task)
                                                                         : py::Ref();
}

#endif

}  // namespace ringhorn::loop
