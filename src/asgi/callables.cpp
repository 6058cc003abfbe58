#include "callables.hpp"

#include <cstddef>
#include <new>

namespace ringhorn::asgi {

namespace {

struct CallableHead {
  PyObject_HEAD vectorcallfunc vectorcall;
};

struct SendObject {
  CallableHead head;
  HttpCycle cycle;
};

struct ReceiveObject {
  CallableHead head;
  PyObject* send;
};

SendObject* as_send(PyObject* object) {
  return reinterpret_cast<SendObject*>(object);
}
ReceiveObject* as_receive(PyObject* object) {
  return reinterpret_cast<ReceiveObject*>(object);
}

bool check_arguments(const char* name, size_t given, Py_ssize_t wanted, PyObject* keywords) {
  if (PyVectorcall_NARGS(given) == wanted &&
      (keywords == nullptr || PyTuple_GET_SIZE(keywords) == 0)) {
    return true;
  }
  PyErr_Format(PyExc_TypeError, "%s() takes %zd positional argument%s", name, wanted,
               wanted == 1 ? "" : "s");
  return false;
}

PyObject* call_send(PyObject* self, PyObject* const* arguments, size_t count, PyObject* keywords) {
  return check_arguments("send", count, 1, keywords) ? as_send(self)->cycle.send(self, arguments[0])
                                                     : nullptr;
}

PyObject* call_receive(PyObject* self, PyObject* const*, size_t count, PyObject* keywords) {
  PyObject* send = as_receive(self)->send;
  return check_arguments("receive", count, 0, keywords) ? cycle_of(send).receive(send) : nullptr;
}

void free_send(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  as_send(self)->cycle.~HttpCycle();
  PyObject_Free(self);
  Py_DECREF(type);
}

void free_receive(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_DECREF(as_receive(self)->send);
  PyObject_Free(self);
  Py_DECREF(type);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(CallableHead, vectorcall), READONLY, nullptr},
    {}};

PyType_Slot send_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_send)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, members},
    {},
};
PyType_Slot receive_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_receive)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, members},
    {},
};

constexpr unsigned flags =
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION;
PyType_Spec send_spec = {"ringhorn.Send", sizeof(SendObject), 0, flags, send_slots};
PyType_Spec receive_spec = {"ringhorn.Receive", sizeof(ReceiveObject), 0, flags, receive_slots};

}  // namespace

PyObject* make_send_type() {
  return PyType_FromSpec(&send_spec);
}
PyObject* make_receive_type() {
  return PyType_FromSpec(&receive_spec);
}

PyObject* make_send(Bridge& bridge, net::Exchange& exchange) {
  auto* object = PyObject_New(SendObject, reinterpret_cast<PyTypeObject*>(bridge.send_type.get()));
  if (object != nullptr) {
    object->head.vectorcall = call_send;
    new (&object->cycle) HttpCycle(bridge, exchange);
  }
  return reinterpret_cast<PyObject*>(object);
}

PyObject* make_receive(Bridge& bridge, PyObject* send) {
  auto* object =
      PyObject_New(ReceiveObject, reinterpret_cast<PyTypeObject*>(bridge.receive_type.get()));
  if (object != nullptr) {
    object->head.vectorcall = call_receive;
    object->send = Py_NewRef(send);
  }
  return reinterpret_cast<PyObject*>(object);
}

HttpCycle& cycle_of(PyObject* send) noexcept {
  return as_send(send)->cycle;
}

}  // namespace ringhorn::asgi
