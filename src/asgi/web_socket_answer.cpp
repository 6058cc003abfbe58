// The answer to a WebSocket's handshake: accept, or a denial of one message or of many.
#include <string>

#include <ringhorn/http/response_writer.hpp>
#include <ringhorn/py/error.hpp>

#include "message_fields.hpp"
#include "web_socket_cycle.hpp"

namespace ringhorn::asgi {

PyObject* WebSocketCycle::accept(PyObject* message) {
  const Names& names = bridge()->names;
  const py::Ref subprotocol = py::Ref::borrow(member(message, names.subprotocol));
  const py::Ref headers = py::Ref::borrow(member(message, names.headers));
  if (PyErr_Occurred() != nullptr) {
    return give_up();
  }
  exchange_->begin_upgrade();
  if ((headers && headers.get() != Py_None && !add_accept_fields(headers.get())) ||
      (subprotocol && subprotocol.get() != Py_None && !add_subprotocol(subprotocol.get()))) {
    return give_up();
  }
  if (exchange_ == nullptr) {
    return raise_disconnected();  // iterating over the headers ran Python code
  }
  socket_ = exchange_->upgrade(*this);
  if (socket_ == nullptr) {
    return PyErr_NoMemory();
  }
  exchange_ = nullptr;
  state_ = State::open;
  return Py_NewRef(bridge()->ready.get());
}

bool WebSocketCycle::add_accept_fields(PyObject* headers) {
  return for_each_header(headers, [this](std::string_view name, std::string_view value) {
    std::string lower(name);
    for (char& c : lower) {
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (lower.starts_with("sec-websocket-")) {
      PyErr_Format(PyExc_RuntimeError, "The header '%s' of a WebSocket is the server's to send.",
                   lower.c_str());
      return false;
    }
    // The head of a 101 is ours: it says no other connection option, and it has no body.
    if (lower == "connection" || lower == "upgrade" || lower == "content-length") {
      return true;
    }
    if (exchange_ == nullptr) {
      raise_disconnected();
      return false;
    }
    return check_field(exchange_->add_field(name, value));
  });
}

bool WebSocketCycle::add_subprotocol(PyObject* subprotocol) {
  std::string_view value;
  if (!PyUnicode_Check(subprotocol)) {
    PyErr_Format(PyExc_TypeError, "'subprotocol' must be str, not %.100s",
                 Py_TYPE(subprotocol)->tp_name);
    return false;
  }
  if (!view_text(subprotocol, value)) {
    return false;
  }
  if (!http::is_token(value)) {
    PyErr_Format(PyExc_RuntimeError, "Invalid subprotocol %R.", subprotocol);
    return false;
  }
  if (exchange_ == nullptr) {
    raise_disconnected();
    return false;
  }
  return check_field(exchange_->add_field("sec-websocket-protocol", value));
}

/// RFC 6455 §4.2.2: the handshake is not completed.
PyObject* WebSocketCycle::deny() {
  exchange_->begin_response(403, false);
  exchange_->send_body(std::string_view(), true);
  end(ws::close_abnormal, {});
  return Py_NewRef(bridge()->ready.get());
}

PyObject* WebSocketCycle::start_denial(PyObject* message) {
  const Names& names = bridge()->names;
  const int status = read_status(member(message, names.status));
  if (status >= 0 && (status < 200 || status > 599)) {
    PyErr_Format(PyExc_RuntimeError, "Invalid HTTP status code '%d' in response.", status);
  }
  if (PyErr_Occurred() != nullptr) {
    return give_up();
  }
  const py::Ref headers = py::Ref::borrow(member(message, names.headers));
  exchange_->begin_response(status, false);
  const auto add = [this](std::string_view name, std::string_view value) {
    if (exchange_ == nullptr) {
      raise_disconnected();
      return false;
    }
    return check_field(exchange_->add_field(name, value));
  };
  if (PyErr_Occurred() != nullptr || (headers && !for_each_header(headers.get(), add))) {
    return give_up();
  }
  if (exchange_ == nullptr) {
    return raise_disconnected();
  }
  state_ = State::denying;
  return Py_NewRef(bridge()->ready.get());
}

PyObject* WebSocketCycle::send_denial(PyObject* self, PyObject* message) {
  const Names& names = bridge()->names;
  const py::Ref body = py::Ref::borrow(member(message, names.body));
  BodyBytes bytes;
  const int more = bytes.read(body.get()) && PyErr_Occurred() == nullptr
                       ? truth(member(message, names.more_body))
                       : -1;
  if (more < 0) {
    return give_up();
  }
  if (exchange_ == nullptr) {
    return raise_disconnected();
  }
  const net::SendResult result = exchange_->send_body(bytes.view(), more == 0);
  if (more == 0) {
    end(ws::close_abnormal, {});
  }
  if (result == net::SendResult::too_long || result == net::SendResult::too_short) {
    PyErr_SetString(PyExc_RuntimeError, result == net::SendResult::too_long
                                            ? "Response content longer than Content-Length"
                                            : "Response content shorter than Content-Length");
    return give_up();
  }
  return result == net::SendResult::wait && more != 0
             ? Awaitable::make_wait(*bridge(), Awaitable::Kind::writable, self, *this)
             : Py_NewRef(bridge()->ready.get());
}

/// What was begun of an answer cannot be taken back: the client gets a 500, the application the
/// pending exception.
PyObject* WebSocketCycle::give_up() {
  py::Ref exception = py::fetch_exception();
  fail({});
  py::raise(std::move(exception));
  return nullptr;
}

}  // namespace ringhorn::asgi
