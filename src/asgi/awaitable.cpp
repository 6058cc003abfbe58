#include "awaitable.hpp"

#include <cstddef>
#include <new>

#include "bridge.hpp"
#include "cycle.hpp"

namespace ringhorn::asgi {

struct AwaitableObject {
  PyObject_HEAD Awaitable awaitable;

  static PyObject* make(Bridge& bridge, Awaitable::Kind kind, py::Ref owner, Cycle* cycle) {
    auto* type = reinterpret_cast<PyTypeObject*>(bridge.awaitable_type.get());
    auto* object = PyObject_New(AwaitableObject, type);
    if (object != nullptr) {
      new (&object->awaitable) Awaitable(kind, std::move(owner), cycle);
    }
    return reinterpret_cast<PyObject*>(object);
  }
};

namespace {

Awaitable& self(PyObject* object) {
  return reinterpret_cast<AwaitableObject*>(object)->awaitable;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  self(object).~Awaitable();
  PyObject_Free(object);
  Py_DECREF(type);
}

PySendResult am_send(PyObject* object, PyObject*, PyObject** result) {
  PyObject* finished = nullptr;
  PyObject* yielded = self(object).step(&finished);
  if (yielded != nullptr) {
    *result = yielded;
    return PYGEN_NEXT;
  }
  *result = finished;
  return finished != nullptr ? PYGEN_RETURN : PYGEN_ERROR;
}

/// The iterator protocol of a coroutine: what is yielded, or null with StopIteration(result).
PyObject* next(PyObject* object) {
  PyObject* finished = nullptr;
  PyObject* yielded = self(object).step(&finished);
  if (finished == Py_None) {
    Py_DECREF(finished);  // null without an exception is StopIteration(None)
  } else if (finished != nullptr) {
    PyErr_SetObject(PyExc_StopIteration, finished);
    Py_DECREF(finished);
  }
  return yielded;
}

PyObject* send(PyObject* object, PyObject*) {
  PyObject* yielded = next(object);
  if (yielded == nullptr && PyErr_Occurred() == nullptr) {
    PyErr_SetNone(PyExc_StopIteration);
  }
  return yielded;
}

/// throw(exception) and the older throw(type, value, traceback).
PyObject* throw_into(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
  if (count < 1 || count > 3) {
    PyErr_SetString(PyExc_TypeError, "throw expected 1 to 3 arguments");
    return nullptr;
  }
  self(object).finish();
  PyObject* exception = arguments[0];
  if (PyExceptionInstance_Check(exception)) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
  } else if (PyExceptionClass_Check(exception)) {
    PyErr_SetObject(exception, count > 1 && arguments[1] != Py_None ? arguments[1] : nullptr);
  } else {
    PyErr_SetString(PyExc_TypeError, "exceptions must be classes or instances of BaseException");
  }
  return nullptr;
}

PyObject* close(PyObject* object, PyObject*) {
  self(object).finish();
  Py_RETURN_NONE;
}

PyMethodDef awaitable_methods[] = {
    {"send", send, METH_O, nullptr},
    {"throw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(throw_into)),
     METH_FASTCALL, nullptr},
    {"close", close, METH_NOARGS, nullptr},
    {},
};

PyType_Slot awaitable_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_send, reinterpret_cast<void*>(am_send)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next)},
    {Py_tp_methods, awaitable_methods},
    {},
};

PyType_Spec awaitable_spec = {"ringhorn.Awaitable", sizeof(AwaitableObject), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                              awaitable_slots};

}  // namespace

PyObject* Awaitable::make_type() {
  return PyType_FromSpec(&awaitable_spec);
}

PyObject* Awaitable::make_ready(Bridge& bridge) {
  return AwaitableObject::make(bridge, Kind::ready, {}, nullptr);
}

PyObject* Awaitable::make_wait(Bridge& bridge, Kind kind, PyObject* owner, Cycle& cycle) {
  return AwaitableObject::make(bridge, kind, py::Ref::borrow(owner), &cycle);
}

PyObject* Awaitable::step(PyObject** result) {
  if (kind_ == Kind::ready) {
    *result = Py_NewRef(Py_None);
    return nullptr;
  }
  if (finished_) {
    PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
    return nullptr;
  }
  if (kind_ == Kind::receive && cycle_->disconnect_told() && !yielded_) {
    // `while True: await receive()` after the disconnect must not stop the worker: a bare yield
    // lets everybody else have a turn of the loop.
    yielded_ = true;
    Py_RETURN_NONE;
  }
  unlink();
  PyObject* value = poll();
  if (value != nullptr || PyErr_Occurred() != nullptr) {
    finish();
    *result = value;
    return nullptr;
  }
  if (!start_wait()) {
    finish();
    return nullptr;
  }
  return Py_NewRef(future_.get());
}

/// What it finishes with; null without an exception while there is nothing.
PyObject* Awaitable::poll() {
  return kind_ == Kind::receive ? cycle_->take_message() : cycle_->take_room(woken_);
}

bool Awaitable::start_wait() {
  Bridge* bridge = cycle_->bridge();
  if (bridge == nullptr) {
    PyErr_SetString(PyExc_OSError, "the server has stopped");
    return false;
  }
  future_ = cycle_->parking().wait(bridge->loop);
  if (!future_) {
    return false;
  }
  cycle_->add_waiter(*this, kind_);
  return true;
}

void Awaitable::wake() {
  unlink();
  woken_ = true;
  Bridge* bridge = cycle_->bridge();
  if (bridge == nullptr || !future_) {
    return;
  }
  cycle_->parking().wake(bridge->loop, future_.get());
}

void Awaitable::finish() noexcept {
  finished_ = true;
  unlink();
  future_.reset();
  owner_.reset();
}

}  // namespace ringhorn::asgi
