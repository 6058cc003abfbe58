/// Types is what the event loops of one interpreter share: the native types, the class EventLoop
/// with the cold Python code behind it, asyncio's types and a few names. It hangs on the
/// interpreter and lives as long as any loop does. Needs the GIL.
#pragma once

#include <ringhorn/py/ref.hpp>

#include "free_list.hpp"

namespace ringhorn::loop {

class StreamCalls;

struct Types {
  /// Those of this interpreter, made at the first call; they live at least as long as what is
  /// returned. Empty with an exception set on failure.
  static py::Ref find_or_make();
  /// What a reference from find_or_make() refers to.
  static Types& of(const py::Ref& reference);

  /// Tells `context` from other keywords without a comparison of texts, nearly always: asyncio's
  /// native code has a string of its own, which is remembered.
  bool is_context(PyObject* keyword) {
    if (keyword == context_name.get() || keyword == context_twin.get()) {
      return true;
    }
    if (PyUnicode_Compare(keyword, context_name.get()) != 0) {
      return false;
    }
    context_twin = py::Ref::borrow(keyword);
    return true;
  }

  /// Whether a future that is yielded is waited for by whoever gets it. False with an exception
  /// set.
  bool set_awaited(PyObject* future, bool awaited) const {
    return future_blocking->set(future, awaited ? Py_True : Py_False, future_blocking->closure) ==
           0;
  }
  /// `asyncio.Future(loop=loop)`; empty with an exception set on failure.
  py::Ref make_future(PyObject* loop) const {
    return py::Ref::steal(PyObject_Vectorcall(future_type.get(), &loop, 0, future_keywords.get()));
  }
  /// `future.set_result(None)`. False with an exception set, also when it is done already.
  bool resolve(PyObject* future) const {
    PyObject* arguments[] = {future, Py_None};
    return static_cast<bool>(
        py::Ref::steal(PyObject_Vectorcall(future_set_result.get(), arguments, 2, nullptr)));
  }
  /// `future.done()`
  bool is_done(PyObject* future) const {
    return py::Ref::steal(PyObject_CallOneArg(future_done.get(), future)).get() == Py_True;
  }

  py::Ref context_name;  ///< "context"
  py::Ref context_twin;  ///< the same text as another object, as it was seen last

  /// How native code calls transports and their protocols.
  const StreamCalls& stream_calls() const noexcept { return *stream_calls_; }

  py::Ref handle_type, timer_handle_type, core_type, stream_type, task_coroutine_type;
  py::Ref loop_class;  ///< EventLoop
  FreeList handles, timer_handles;

  py::Ref future_type, task_type;  ///< asyncio.Future and asyncio.Task
  py::Ref go_on;                   ///< go_on(TaskCoroutine): a step without the task
  py::Ref retrieve_exception;      ///< for add_done_callback: that of the task counts as asked for
  py::Ref throw_name;              ///< "throw"
  py::Ref enter_task, leave_task;  ///< asyncio's, for what it calls the current task
  py::Ref future_keywords;         ///< ("loop",)
  py::Ref future_set_result, future_done;        ///< unbound: no look-up per call
  const PyGetSetDef* future_blocking = nullptr;  ///< its _asyncio_future_blocking
  py::Ref task_keywords;                         ///< ("loop", "name", "context")
  py::Ref step_option;  ///< the keyword with which the first step comes at once

  // The functions of event_loop.py that native code calls.
  py::Ref give_way, report_failure, report_slow, describe_handle, extract_stack, bind_arguments;

 private:
  bool prepare();
  bool prepare_asyncio();
  bool prepare_futures();
  bool prepare_glue();

  py::Ref stream_calls_owner_;
  const StreamCalls* stream_calls_ = nullptr;
};

}  // namespace ringhorn::loop
