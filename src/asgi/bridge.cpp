#include "bridge.hpp"

#include <ringhorn/py/error.hpp>

#include "awaitable.hpp"
#include "callables.hpp"
#include "cycle.hpp"

namespace ringhorn::asgi {

namespace {

constexpr int chain_links_max = 16;

/// What applications may ask `isinstance(x, Coroutine)` about.
bool register_coroutine(PyObject* type) {
  const py::Ref abc = py::Ref::steal(PyImport_ImportModule("collections.abc"));
  const py::Ref coroutine =
      abc ? py::Ref::steal(PyObject_GetAttrString(abc.get(), "Coroutine")) : py::Ref();
  return coroutine && py::Ref::steal(PyObject_CallMethod(coroutine.get(), "register", "O", type));
}

py::Ref make_message(const Names& names, const py::Ref& type) {
  py::Ref message = py::Ref::steal(PyDict_New());
  if (message && PyDict_SetItem(message.get(), names.type.get(), type.get()) < 0) {
    message.reset();
  }
  return message;
}

bool is_instance_of(PyObject* exception, const char* module_name, const char* name) {
  const py::Ref module = py::Ref::steal(PyImport_ImportModule(module_name));
  const py::Ref type =
      module ? py::Ref::steal(PyObject_GetAttrString(module.get(), name)) : py::Ref();
  const bool matches = type && PyErr_GivenExceptionMatches(exception, type.get()) != 0;
  PyErr_Clear();
  return matches;
}

}  // namespace

Bridge::Bridge(loop::EventLoop& event_loop, telemetry::Log& server_log, std::string root_path)
    : loop(event_loop), log(server_log), targets(std::move(root_path)) {}

bool Bridge::prepare() {
  send_type = py::Ref::steal(make_send_type());
  web_socket_send_type = py::Ref::steal(make_web_socket_send_type());
  receive_type =
      send_type && web_socket_send_type ? py::Ref::steal(make_receive_type()) : py::Ref();
  awaitable_type = receive_type ? py::Ref::steal(Awaitable::make_type()) : py::Ref();
  if (!awaitable_type || !register_coroutine(awaitable_type.get())) {
    return false;
  }
  disconnect_error = py::Ref::steal(PyErr_NewExceptionWithDoc(
      "ringhorn.ClientDisconnected", "Raised by send() when the client has closed the connection.",
      PyExc_OSError, nullptr));
  ready = py::Ref::steal(Awaitable::make_ready(*this));
  return disconnect_error && ready && names.complete() && prepare_messages();
}

bool Bridge::prepare_messages() {
  disconnect_message = make_message(names, names.http_disconnect);
  empty_request = make_message(names, names.http_request);
  connect_message = make_message(names, names.websocket_connect);
  text_message = make_message(names, names.websocket_receive);
  bytes_message = make_message(names, names.websocket_receive);
  const auto set = [](const py::Ref& message, const py::Ref& key, PyObject* value) {
    return message && PyDict_SetItem(message.get(), key.get(), value) == 0;
  };
  return disconnect_message && connect_message &&
         set(empty_request, names.body, names.empty_bytes.get()) &&
         set(empty_request, names.more_body, Py_False) &&
         set(text_message, names.text, names.empty_text.get()) &&
         set(bytes_message, names.bytes, names.empty_bytes.get());
}

Bridge::~Bridge() {
  while (Cycle* cycle = cycles.front()) {
    cycle->detach_bridge();
  }
}

bool Bridge::is_disconnect(PyObject* exception) const {
  py::Ref link = py::Ref::borrow(exception);
  // A chain has no cycle: CPython breaks one when it sets a context. A cause can still be made one.
  for (int depth = 0; link && depth < chain_links_max; ++depth) {
    if (PyErr_GivenExceptionMatches(link.get(), disconnect_error.get()) != 0) {
      return true;
    }
    py::Ref cause = py::Ref::steal(PyException_GetCause(link.get()));
    link = cause ? std::move(cause) : py::Ref::steal(PyException_GetContext(link.get()));
  }
  return false;
}

bool Bridge::is_cancelled_by_us(PyObject* exception) const {
  return cancelling && is_instance_of(exception, "asyncio", "CancelledError");
}

}  // namespace ringhorn::asgi
