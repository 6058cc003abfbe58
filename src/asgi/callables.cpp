#include "callables.hpp"

#include <cstddef>
#include <new>

#include "http_cycle.hpp"
#include "web_socket_cycle.hpp"

namespace ringhorn::asgi {

namespace {

struct CallableHead {
  PyObject_HEAD vectorcallfunc vectorcall;
};

/// The head is followed by the cycle itself, whose type is that of the callable.
struct SendHead {
  CallableHead head;
  Cycle* cycle;
};
template <typename C>
struct SendObject {
  SendHead head;
  C cycle;
};

struct ReceiveObject {
  CallableHead head;
  PyObject* send;
};

template <typename C>
C& own_cycle(PyObject* self) {
  return reinterpret_cast<SendObject<C>*>(self)->cycle;
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

/// The connection belongs to the process that forked this one.
bool check_process(const Cycle& cycle) {
  if (cycle.bridge() != nullptr && cycle.bridge()->loop.driver().inherited()) {
    PyErr_SetString(PyExc_OSError, "a forked process cannot answer a request of its parent's");
    return false;
  }
  return true;
}

template <typename C>
PyObject* call_send(PyObject* self, PyObject* const* arguments, size_t count, PyObject* keywords) {
  C& cycle = own_cycle<C>(self);
  return check_arguments("send", count, 1, keywords) && check_process(cycle)
             ? cycle.send(self, arguments[0])
             : nullptr;
}

PyObject* call_receive(PyObject* self, PyObject* const*, size_t count, PyObject* keywords) {
  PyObject* send = as_receive(self)->send;
  return check_arguments("receive", count, 0, keywords) ? cycle_of(send).receive(send) : nullptr;
}

template <typename C>
void free_send(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  own_cycle<C>(self).~C();
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

PyType_Slot receive_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_receive)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, members},
    {},
};

constexpr unsigned flags =
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION;
PyType_Spec receive_spec = {"ringhorn.Receive", sizeof(ReceiveObject), 0, flags, receive_slots};

template <typename C>
PyObject* make_send_type_for() {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(free_send<C>)},
      {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
      {Py_tp_members, members},
      {},
  };
  PyType_Spec spec = {"ringhorn.Send", sizeof(SendObject<C>), 0, flags, slots};
  return PyType_FromSpec(&spec);
}

template <typename C, typename Partner>
PyObject* make_send_of(Bridge& bridge, const py::Ref& type, Partner& partner) {
  auto* object = PyObject_New(SendObject<C>, reinterpret_cast<PyTypeObject*>(type.get()));
  if (object != nullptr) {
    object->head.head.vectorcall = call_send<C>;
    object->head.cycle = new (&object->cycle) C(bridge, partner);
  }
  return reinterpret_cast<PyObject*>(object);
}

}  // namespace

PyObject* make_send_type() {
  return make_send_type_for<HttpCycle>();
}
PyObject* make_web_socket_send_type() {
  return make_send_type_for<WebSocketCycle>();
}
PyObject* make_receive_type() {
  return PyType_FromSpec(&receive_spec);
}

PyObject* make_send(Bridge& bridge, net::Exchange& exchange) {
  return make_send_of<HttpCycle>(bridge, bridge.send_type, exchange);
}

PyObject* make_web_socket_send(Bridge& bridge, net::Exchange& exchange) {
  return make_send_of<WebSocketCycle>(bridge, bridge.web_socket_send_type, exchange);
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

Cycle& cycle_of(PyObject* send) noexcept {
  return *reinterpret_cast<SendHead*>(send)->cycle;
}

}  // namespace ringhorn::asgi
