#include "task_coroutine.hpp"

#include <memory>
#include <utility>

#include <ringhorn/py/error.hpp>

#include "core.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

/// What throw() has come to, as PyIter_Send() tells it: `yielded` is what it returned.
PySendResult as_sent(PyObject* yielded, PyObject** result) {
  *result = yielded;
  if (yielded != nullptr) {
    return PYGEN_NEXT;
  }
  if (PyErr_ExceptionMatches(PyExc_StopIteration) == 0) {
    return PYGEN_ERROR;
  }
  const py::Ref stop = py::fetch_exception();
  *result = PyObject_GetAttrString(stop.get(), "value");
  return *result != nullptr ? PYGEN_RETURN : PYGEN_ERROR;
}

}  // namespace

void TaskCoroutine::set_task(PyObject* task, Core* core, const py::Ref& context) {
  task_ = task;
  core_ = core;
  context_ = context;
  if (raised_) {
    keep_quiet();
  }
}

PySendResult TaskCoroutine::send(PyObject* value, PyObject** result) {
  if (sent_) {
    return give_step(result);
  }
  if (cancellation_) {
    return throw_in(nullptr, 0, result);
  }
  unpark();
  const PySendResult sent = PyIter_Send(coroutine(), value, result);
  return settle(sent, *result);
}

PySendResult TaskCoroutine::throw_in(PyObject* const* arguments, Py_ssize_t count,
                                     PyObject** result) {
  if (sent_ && count > 0) {
    return cancel_step(py::Ref::borrow(arguments[0]), result);
  }
  unpark();
  const py::Ref cancellation = std::move(cancellation_);
  PyObject* const thrown[] = {cancellation.get()};
  const py::Ref function = py::Ref::steal(PyObject_GetAttr(coroutine(), types_.throw_name.get()));
  PyObject* yielded = !function ? nullptr
                      : cancellation
                          ? PyObject_Vectorcall(function.get(), thrown, 1, nullptr)
                          : PyObject_Vectorcall(function.get(), arguments,
                                                static_cast<std::size_t>(count), nullptr);
  const PySendResult sent = as_sent(yielded, result);
  return settle(sent, *result);
}

PySendResult TaskCoroutine::give_step(PyObject** result) {
  const PySendResult sent = *std::exchange(sent_, std::nullopt);
  if (sent == PYGEN_ERROR) {
    *result = nullptr;
    py::raise(std::move(given_));
  } else {
    *result = given_.release();
  }
  return settle(sent, *result);
}

/// The task hears of `result`.
PySendResult TaskCoroutine::settle(PySendResult sent, PyObject* result) {
  if (sent != PYGEN_NEXT) {
    return tell(sent, result);
  }
  if (core_ != nullptr && owner_ && listener_.ending.parking().gave(result)) {
    task_waits_for_ = py::Ref::borrow(result);
    listener_.ending.parking().park(self_);
  }
  return sent;
}

void TaskCoroutine::unpark() {
  if (task_waits_for_) {
    listener_.ending.parking().leave();
    task_waits_for_.reset();
  }
}

bool TaskCoroutine::schedule_step(PyObject* future) {
  if (future != task_waits_for_.get() || core_->debug || core_->closed) {
    return false;
  }
  if (!scheduled_) {
    PyObject* argument = self_;
    const py::Ref handle =
        py::Ref::steal(core_->schedule({types_.go_on.get(), &argument, 1, context_.get()}));
    scheduled_ = static_cast<bool>(handle);
    if (!scheduled_) {
      PyErr_Clear();
    }
  }
  return scheduled_;
}

void TaskCoroutine::go_on() {
  scheduled_ = false;
  if (!task_waits_for_ || types_.is_done(task_waits_for_.get())) {
    return;  // the task was woken meanwhile, or cancelled
  }
  const py::Ref future = task_waits_for_;
  Parking& parking = listener_.ending.parking();
  parking.leave();
  parking.offer(future.get());
  PyObject* result = nullptr;
  const PySendResult sent = core_->step_without(task_, coroutine(), &result);
  py::Ref given = py::Ref::steal(result);
  parking.take_back();
  if (sent == PYGEN_NEXT && given.get() == future.get()) {
    types_.set_awaited(future.get(), false);
    parking.park(self_);
    return;
  }
  task_waits_for_.reset();
  keep_step(sent, sent == PYGEN_ERROR ? py::fetch_exception() : std::move(given));
  if (!types_.resolve(future.get())) {
    PyErr_Clear();  // the step has cancelled its own task, which wakes for that
  }
}

/// The step has called cancel() on its own task, which is told when the step is over. Then a
/// task cancels what the step waits for, or where that cannot be, what comes next.
PySendResult TaskCoroutine::cancel_step(py::Ref exception, PyObject** result) {
  if (*sent_ == PYGEN_RETURN) {
    keep_step(PYGEN_ERROR, std::move(exception));
  } else if (*sent_ == PYGEN_NEXT && !cancel_given(exception.get())) {
    if (PyErr_Occurred() != nullptr) {
      *result = nullptr;
      return PYGEN_ERROR;
    }
    cancellation_ = std::move(exception);
  }
  return give_step(result);
}

/// Whether what the step has yielded is a future that was cancelled; false with an exception set
/// when that failed.
bool TaskCoroutine::cancel_given(PyObject* exception) {
  const py::Ref blocking =
      py::Ref::steal(PyObject_GetAttrString(given_.get(), "_asyncio_future_blocking"));
  if (blocking.get() != Py_True) {
    PyErr_Clear();
    return false;
  }
  const py::Ref cancel = py::Ref::steal(PyObject_GetAttrString(given_.get(), "cancel"));
  const py::Ref message = py::Ref::steal(PyObject_GetAttrString(exception, "args"));
  const py::Ref cancelled = cancel && message
                                ? py::Ref::steal(PyObject_CallObject(cancel.get(), message.get()))
                                : py::Ref();
  return cancelled && PyObject_IsTrue(cancelled.get()) == 1;
}

PySendResult TaskCoroutine::tell(PySendResult sent, PyObject* result) {
  if (const py::Ref owner = std::move(owner_)) {
    unpark();
    if (sent == PYGEN_RETURN) {
      listener_.ending.on_returned(result);
    } else {
      tell_raised();
    }
  }
  return sent;
}

void TaskCoroutine::tell_raised() {
  py::Ref exception = py::fetch_exception();
  listener_.ending.on_raised(exception.get());
  raised_ = true;
  if (task_ != nullptr) {
    keep_quiet();
  }
  py::raise(std::move(exception));
}

/// The exception was told: the task need not complain that nobody has asked for it.
void TaskCoroutine::keep_quiet() {
  const py::Ref added = py::Ref::steal(
      PyObject_CallMethod(task_, "add_done_callback", "O", types_.retrieve_exception.get()));
  if (!added) {
    PyErr_Clear();
  }
}

PyObject* TaskCoroutine::close() {
  sent_.reset();
  given_.reset();
  cancellation_.reset();
  return PyObject_CallMethod(coroutine(), "close", nullptr);
}

int TaskCoroutine::traverse(visitproc visit, void* arg) {
  Py_VISIT(coroutine_.get());
  Py_VISIT(given_.get());
  Py_VISIT(cancellation_.get());
  Py_VISIT(owner_.get());
  Py_VISIT(context_.get());
  Py_VISIT(task_waits_for_.get());
  return 0;
}

/// The rest stays: a coroutine breaks its own cycles, and a listener may still be told.
void TaskCoroutine::clear() {
  given_.reset();
  cancellation_.reset();
}

py::Ref make_listened_task(const Types& types, PyObject* loop, Core* core, PyObject* coroutine,
                           PyObject* name, const Listener& listener) {
  const py::Ref own = make_task_coroutine(types, coroutine, listener);
  const py::Ref context = own ? py::Ref::steal(PyContext_CopyCurrent()) : py::Ref();
  PyObject* arguments[] = {nullptr, own.get(), loop, name, context.get()};
  py::Ref task = context ? py::Ref::steal(PyObject_Vectorcall(types.task_type.get(), arguments + 1,
                                                              1 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                                              types.task_keywords.get()))
                         : py::Ref();
  if (task) {
    task_coroutine_of(own.get()).set_task(task.get(), core, context);
  } else {
    tell_failure(listener);
  }
  return task;
}

void tell_exception(const Listener& listener) {
  py::Ref exception = py::fetch_exception();
  listener.ending.on_raised(exception.get());
  if (py::ends_program(exception.get())) {
    py::raise(std::move(exception));
  }
}

void tell_failure(const Listener& listener) {
  listener.ending.on_raised(py::fetch_exception().get());
}

}  // namespace ringhorn::loop
