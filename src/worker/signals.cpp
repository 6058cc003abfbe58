#include "signals.hpp"

#include <csignal>
#include <iterator>

namespace ringhorn::worker {

namespace {

constexpr const char* capsule_name = "ringhorn.signals";
constexpr int signals[] = {SIGINT, SIGTERM};

Signals* from_capsule(PyObject* capsule) {
  return static_cast<Signals*>(PyCapsule_GetPointer(capsule, capsule_name));
}

PyCFunction as_function(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace

PyMethodDef Signals::python_method = {"on_signal", as_function(Signals::on_python_signal),
                                      METH_FASTCALL, nullptr};
PyMethodDef Signals::loop_method = {"on_stop", Signals::on_loop_signal, METH_NOARGS, nullptr};

PyMethodDef Signals::fork_method = {"on_forked", Signals::on_forked, METH_NOARGS, nullptr};

bool Signals::install(PyObject* loop, std::function<void()> on_stop) {
  on_stop_ = std::move(on_stop);
  loop_ = py::Ref::borrow(loop);
  module_ = py::Ref::steal(PyImport_ImportModule("signal"));
  const py::Ref capsule = py::Ref::steal(PyCapsule_New(this, capsule_name, nullptr));
  if (!module_ || !capsule) {
    return false;
  }
  const py::Ref in_python = py::Ref::steal(PyCFunction_New(&python_method, capsule.get()));
  const py::Ref in_loop = py::Ref::steal(PyCFunction_New(&loop_method, capsule.get()));
  for (std::size_t i = 0; in_python && in_loop && i < std::size(signals); ++i) {
    // The loop's own registration wakes it out of a wait; ours then replaces its empty handler.
    py::Ref previous =
        py::Ref::steal(PyObject_CallMethod(module_.get(), "getsignal", "i", signals[i]));
    if (!previous ||
        !py::Ref::steal(
            PyObject_CallMethod(loop, "add_signal_handler", "iO", signals[i], in_loop.get())) ||
        !py::Ref::steal(
            PyObject_CallMethod(module_.get(), "signal", "iO", signals[i], in_python.get()))) {
      return false;
    }
    previous_[i] = std::move(previous);
  }
  return PyErr_Occurred() == nullptr && watch_forks();
}

bool Signals::watch_forks() {
  fork_capsule_ = py::Ref::steal(PyCapsule_New(this, capsule_name, nullptr));
  if (!fork_capsule_ || PyCapsule_SetContext(fork_capsule_.get(), this) != 0) {
    return false;
  }
  const py::Ref os = py::Ref::steal(PyImport_ImportModule("os"));
  const py::Ref forked = py::Ref::steal(PyCFunction_New(&fork_method, fork_capsule_.get()));
  const py::Ref keywords =
      forked ? py::Ref::steal(Py_BuildValue("{sO}", "after_in_child", forked.get())) : py::Ref();
  const py::Ref none = py::Ref::steal(PyTuple_New(0));
  const py::Ref hook =
      os ? py::Ref::steal(PyObject_GetAttrString(os.get(), "register_at_fork")) : py::Ref();
  return hook && keywords && none &&
         py::Ref::steal(PyObject_Call(hook.get(), none.get(), keywords.get()));
}

/// A child that the application forks (multiprocessing) is not the server: its signals are its own,
/// and must not reach us through the descriptor that wakes the loop.
PyObject* Signals::on_forked(PyObject* capsule, PyObject*) {
  auto* self = static_cast<Signals*>(PyCapsule_GetContext(capsule));
  if (self == nullptr) {
    PyErr_Clear();
    Py_RETURN_NONE;
  }
  const py::Ref none =
      py::Ref::steal(PyObject_CallMethod(self->module_.get(), "set_wakeup_fd", "i", -1));
  for (std::size_t i = 0; none && i < std::size(signals); ++i) {
    if (!self->give_back(i)) {
      return nullptr;
    }
  }
  if (!none) {
    return nullptr;
  }
  if (self->on_fork_) {
    self->on_fork_();
  }
  Py_RETURN_NONE;
}

/// False with an exception set.
bool Signals::give_back(std::size_t index) {
  return !previous_[index] || previous_[index].get() == Py_None ||
         py::Ref::steal(PyObject_CallMethod(module_.get(), "signal", "iO", signals[index],
                                            previous_[index].get()));
}

void Signals::restore() {
  if (fork_capsule_) {
    PyCapsule_SetContext(fork_capsule_.get(), nullptr);
  }
  for (std::size_t i = 0; i < std::size(signals); ++i) {
    if (!previous_[i]) {
      continue;
    }
    if (!py::Ref::steal(
            PyObject_CallMethod(loop_.get(), "remove_signal_handler", "i", signals[i])) ||
        !give_back(i)) {
      PyErr_Clear();
    }
    previous_[i].reset();
  }
}

PyObject* Signals::on_python_signal(PyObject* capsule, PyObject* const* arguments,
                                    Py_ssize_t count) {
  Signals* self = from_capsule(capsule);
  if (self == nullptr || count < 1) {
    return nullptr;
  }
  const bool again = self->received_ != 0 && !std::exchange(self->another_, false);
  if (self->received_ == 0) {
    self->received_ = static_cast<int>(PyLong_AsLong(arguments[0]));
  }
  const bool interrupts = again || !self->graceful_;
  (interrupts ? self->interrupted_ : self->untold_) = true;
  // A loop that is not running now may never hear of it by itself (uvloop); and an exception that
  // is raised here may meet code that swallows it: then it comes out of the loop.
  const py::Ref method = py::Ref::steal(PyCFunction_New(&loop_method, capsule));
  py::Ref told = method ? py::Ref::steal(PyObject_CallMethod(
                              self->loop_.get(), "call_soon_threadsafe", "O", method.get()))
                        : py::Ref();
  if (!interrupts) {
    return told.release();
  }
  PyErr_SetNone(PyExc_KeyboardInterrupt);
  return nullptr;
}

PyObject* Signals::on_loop_signal(PyObject* capsule, PyObject*) {
  Signals* self = from_capsule(capsule);
  if (self == nullptr) {
    return nullptr;
  }
  if (self->interrupted_) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
    return nullptr;
  }
  if (std::exchange(self->untold_, false)) {
    self->on_stop_();
  }
  Py_RETURN_NONE;
}

}  // namespace ringhorn::worker
