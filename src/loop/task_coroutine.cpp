#include "task_coroutine.hpp"

#include <memory>
#include <optional>
#include <utility>

#include <ringhorn/py/error.hpp>

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

/// The other way round.
PyObject* as_thrown(PySendResult sent, PyObject* result) {
  if (sent != PYGEN_RETURN) {
    return result;
  }
  const py::Ref value = py::Ref::steal(result);
  const py::Ref stop = py::Ref::steal(PyObject_CallOneArg(PyExc_StopIteration, value.get()));
  if (stop) {
    PyErr_SetObject(PyExc_StopIteration, stop.get());
  }
  return nullptr;
}

class TaskCoroutine {
 public:
  TaskCoroutine(const Types& types, PyObject* coroutine, const Listener& listener) noexcept
      : types_(types),
        coroutine_(py::Ref::borrow(coroutine)),
        listener_(listener),
        owner_(py::Ref::borrow(listener.owner)) {}

  PyObject* coroutine() const noexcept { return coroutine_.get(); }
  bool over() const noexcept { return !owner_; }
  void set_task(PyObject* task);
  void set_first_step(PySendResult sent, py::Ref given) {
    sent_ = sent;
    given_ = std::move(given);
  }

  /// As PyIter_Send().
  PySendResult send(PyObject* value, PyObject** result);
  /// As PyIter_Send(), for coroutine.throw(*arguments).
  PySendResult throw_in(PyObject* const* arguments, Py_ssize_t count, PyObject** result);
  PyObject* close();
  int traverse(visitproc visit, void* arg);
  void clear();

 private:
  PySendResult give_first_step(PyObject** result);
  PySendResult cancel_first_step(py::Ref exception, PyObject** result);
  bool cancel_given(PyObject* exception);
  PySendResult tell(PySendResult sent, PyObject* result);
  void tell_raised();
  void keep_quiet();

  const Types& types_;
  py::Ref coroutine_;
  std::optional<PySendResult>
      sent_;              ///< by the first step, as long as the task has not heard of it
  py::Ref given_;         ///< the same
  py::Ref cancellation_;  ///< is thrown when the coroutine goes on
  Listener listener_;
  py::Ref owner_;             ///< of the listener, until that has heard the end
  PyObject* task_ = nullptr;  ///< borrowed: it owns this
  bool raised_ = false;       ///< before there was a task
};

struct TaskCoroutineObject {
  PyObject_HEAD TaskCoroutine coroutine;
};

TaskCoroutine& task_coroutine_of(PyObject* object) {
  return reinterpret_cast<TaskCoroutineObject*>(object)->coroutine;
}

void TaskCoroutine::set_task(PyObject* task) {
  task_ = task;
  if (raised_) {
    keep_quiet();
  }
}

PySendResult TaskCoroutine::send(PyObject* value, PyObject** result) {
  if (sent_) {
    return give_first_step(result);
  }
  if (cancellation_) {
    return throw_in(nullptr, 0, result);
  }
  const PySendResult sent = PyIter_Send(coroutine(), value, result);
  return sent == PYGEN_NEXT ? sent : tell(sent, *result);
}

PySendResult TaskCoroutine::throw_in(PyObject* const* arguments, Py_ssize_t count,
                                     PyObject** result) {
  if (sent_ && count > 0) {
    return cancel_first_step(py::Ref::borrow(arguments[0]), result);
  }
  const py::Ref cancellation = std::move(cancellation_);
  PyObject* const thrown[] = {cancellation.get()};
  const py::Ref function = py::Ref::steal(PyObject_GetAttr(coroutine(), types_.throw_name.get()));
  PyObject* yielded = !function ? nullptr
                      : cancellation
                          ? PyObject_Vectorcall(function.get(), thrown, 1, nullptr)
                          : PyObject_Vectorcall(function.get(), arguments,
                                                static_cast<std::size_t>(count), nullptr);
  const PySendResult sent = as_sent(yielded, result);
  return sent == PYGEN_NEXT ? sent : tell(sent, *result);
}

PySendResult TaskCoroutine::give_first_step(PyObject** result) {
  const PySendResult sent = *std::exchange(sent_, std::nullopt);
  if (sent == PYGEN_ERROR) {
    *result = nullptr;
    py::raise(std::move(given_));
  } else {
    *result = given_.release();
  }
  return sent == PYGEN_NEXT ? sent : tell(sent, *result);
}

/// The first step has called cancel() on its own task, which is told when the step is over. Then a
/// task cancels what the step waits for, or where that cannot be, what comes next.
PySendResult TaskCoroutine::cancel_first_step(py::Ref exception, PyObject** result) {
  if (*sent_ == PYGEN_RETURN) {
    set_first_step(PYGEN_ERROR, std::move(exception));
  } else if (*sent_ == PYGEN_NEXT && !cancel_given(exception.get())) {
    if (PyErr_Occurred() != nullptr) {
      *result = nullptr;
      return PYGEN_ERROR;
    }
    cancellation_ = std::move(exception);
  }
  return give_first_step(result);
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
  return 0;
}

/// The rest stays: a coroutine breaks its own cycles, and a listener may still be told.
void TaskCoroutine::clear() {
  given_.reset();
  cancellation_.reset();
}

PySendResult am_send(PyObject* self, PyObject* value, PyObject** result) {
  return task_coroutine_of(self).send(value, result);
}

PyObject* send(PyObject* self, PyObject* value) {
  PyObject* result = nullptr;
  const PySendResult sent = task_coroutine_of(self).send(value, &result);
  return as_thrown(sent, result);
}

PyObject* next(PyObject* self) {
  return send(self, Py_None);
}

PyObject* throw_in(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  PyObject* result = nullptr;
  const PySendResult sent = task_coroutine_of(self).throw_in(arguments, count, &result);
  return as_thrown(sent, result);
}

PyObject* close(PyObject* self, PyObject*) {
  return task_coroutine_of(self).close();
}

PyObject* read_attribute(PyObject* self, PyObject* name) {
  PyObject* own = PyObject_GenericGetAttr(self, name);
  if (own != nullptr || PyErr_ExceptionMatches(PyExc_AttributeError) == 0) {
    return own;
  }
  PyErr_Clear();
  return PyObject_GetAttr(task_coroutine_of(self).coroutine(), name);
}

PyObject* describe_task_coroutine(PyObject* self) {
  return PyObject_Repr(task_coroutine_of(self).coroutine());
}

int traverse_task_coroutine(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return task_coroutine_of(self).traverse(visit, arg);
}

int clear_task_coroutine(PyObject* self) {
  task_coroutine_of(self).clear();
  return 0;
}

void free_task_coroutine(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  std::destroy_at(&task_coroutine_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef task_coroutine_methods[] = {
    {"send", send, METH_O, nullptr},
    {"throw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(throw_in)), METH_FASTCALL,
     nullptr},
    {"close", close, METH_NOARGS, nullptr},
    {},
};

PyType_Slot task_coroutine_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_task_coroutine)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_task_coroutine)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_task_coroutine)},
    {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_send, reinterpret_cast<void*>(am_send)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next)},
    {Py_tp_getattro, reinterpret_cast<void*>(read_attribute)},
    {Py_tp_repr, reinterpret_cast<void*>(describe_task_coroutine)},
    {Py_tp_methods, task_coroutine_methods},
    {},
};

PyType_Spec task_coroutine_spec = {
    "_ringhorn.TaskCoroutine", sizeof(TaskCoroutineObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    task_coroutine_slots};

}  // namespace

PyObject* make_task_coroutine_type() {
  return PyType_FromSpec(&task_coroutine_spec);
}

py::Ref make_task_coroutine(const Types& types, PyObject* coroutine, const Listener& listener) {
  auto* object = PyObject_GC_New(TaskCoroutineObject,
                                 reinterpret_cast<PyTypeObject*>(types.task_coroutine_type.get()));
  if (object == nullptr) {
    return {};
  }
  std::construct_at(&object->coroutine, types, coroutine, listener);
  PyObject_GC_Track(object);
  return py::Ref::steal(reinterpret_cast<PyObject*>(object));
}

void set_task(PyObject* self, PyObject* task) {
  task_coroutine_of(self).set_task(task);
}

void set_first_step(PyObject* self, PySendResult sent, py::Ref given) {
  task_coroutine_of(self).set_first_step(sent, std::move(given));
}

py::Ref make_listened_task(const Types& types, PyObject* loop, PyObject* coroutine, PyObject* name,
                           const Listener& listener) {
  const py::Ref own = make_task_coroutine(types, coroutine, listener);
  PyObject* arguments[] = {nullptr, own.get(), loop, name};
  py::Ref task = own ? py::Ref::steal(PyObject_Vectorcall(types.task_type.get(), arguments + 1,
                                                          1 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                                          types.task_keywords.get()))
                     : py::Ref();
  if (task) {
    set_task(own.get(), task.get());
  } else {
    tell_failure(listener);
  }
  return task;
}

void tell_exception(const Listener& listener) {
  py::Ref exception = py::fetch_exception();
  listener.ending.on_raised(exception.get());
  if (PyErr_GivenExceptionMatches(exception.get(), PyExc_SystemExit) != 0 ||
      PyErr_GivenExceptionMatches(exception.get(), PyExc_KeyboardInterrupt) != 0) {
    py::raise(std::move(exception));
  }
}

void tell_failure(const Listener& listener) {
  listener.ending.on_raised(py::fetch_exception().get());
}

bool is_over(PyObject* self) noexcept {
  return task_coroutine_of(self).over();
}

}  // namespace ringhorn::loop
