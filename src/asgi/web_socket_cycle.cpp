#include "web_socket_cycle.hpp"

#include <ringhorn/base/assert.hpp>
#include <ringhorn/py/bytes.hpp>
#include <ringhorn/py/error.hpp>

#include "message_fields.hpp"

namespace ringhorn::asgi {

namespace {

base::OwnedSlice own(PyObject* object, std::string_view bytes) {
  return base::OwnedSlice(bytes, py::release_reference, Py_NewRef(object));
}

py::Ref make_text(std::string_view text) {
  return py::Ref::steal(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr));
}

/// `object`, borrowed, is null when there is none.
struct Payload {
  ws::MessageKind kind = ws::MessageKind::text;
  PyObject* object = nullptr;
};

/// The payload of `{"type": "websocket.send", "text": …}`, or with "bytes", of just these members
/// in this order and with interned keys, as nearly every application writes it: found without a
/// look-up. Of any other message nothing is said.
Payload read_usual(PyObject* message, const Names& names) {
  Py_ssize_t at = 0;
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  if (!PyDict_CheckExact(message) || PyDict_GET_SIZE(message) != 2 ||
      PyDict_Next(message, &at, &key, &value) == 0 || key != names.type.get() ||
      !is(value, names.websocket_send) || PyDict_Next(message, &at, &key, &value) == 0 ||
      value == Py_None) {
    return {};
  }
  return key == names.text.get()    ? Payload{ws::MessageKind::text, value}
         : key == names.bytes.get() ? Payload{ws::MessageKind::binary, value}
                                    : Payload{};
}

}  // namespace

WebSocketCycle::WebSocketCycle(Bridge& bridge, net::Exchange& exchange)
    : Cycle(bridge), exchange_(&exchange) {
  exchange.attach(*this);
}

WebSocketCycle::~WebSocketCycle() {
  RINGHORN_ASSERT(exchange_ == nullptr && socket_ == nullptr);
}

// --- receive ---------------------------------------------------------------------------------

PyObject* WebSocketCycle::take_message() {
  if (bridge() == nullptr) {
    return raise_disconnected();
  }
  if (!connect_told_) {
    connect_told_ = true;
    return PyDict_Copy(bridge()->connect_message.get());
  }
  if (queue_.empty()) {
    return state_ == State::closed ? make_disconnect() : nullptr;
  }
  const Bridge& templates = *bridge();
  const py::Ref payload = queue_.pop();
  in_hand_ = true;
  if (full_ && socket_ != nullptr && queue_.count() <= templates.queue_count_max / 2 &&
      queue_.bytes() <= templates.queue_bytes_max / 2) {
    full_ = false;
    socket_->want_more();
  }
  const bool is_text = PyUnicode_Check(payload.get()) != 0;
  PyObject* message =
      PyDict_Copy(is_text ? templates.text_message.get() : templates.bytes_message.get());
  const py::Ref& key = is_text ? templates.names.text : templates.names.bytes;
  if (message != nullptr && PyDict_SetItem(message, key.get(), payload.get()) < 0) {
    Py_CLEAR(message);
  }
  return message;
}

/// What comes, comes by itself.
void WebSocketCycle::await_message() {
  in_hand_ = false;
  if (socket_ != nullptr) {
    socket_->note_idle();
  }
}

PyObject* WebSocketCycle::make_disconnect() {
  note_disconnect_told();
  const Names& names = bridge()->names;
  return Py_BuildValue("{OOOiOO}", names.type.get(), names.websocket_disconnect.get(),
                       names.code.get(), int{code_}, names.reason.get(),
                       reason_ ? reason_.get() : names.empty_text.get());
}

net::Appetite WebSocketCycle::on_message(const ws::MessageReader::Message& message) {
  py::Ref payload = message.kind == ws::MessageKind::text ? make_text(message.payload)
                                                          : py::make_bytes(message.payload);
  if (!payload) {
    PyErr_Clear();
    fail("There is no memory for the message of a WebSocket.");
    return net::Appetite::none;
  }
  queue_.push(std::move(payload), message.payload.size());
  wake_receivers();
  full_ = full();
  return full_ ? net::Appetite::none : net::Appetite::more;
}

bool WebSocketCycle::full() const noexcept {
  return queue_.count() >= bridge()->queue_count_max || queue_.bytes() >= bridge()->queue_bytes_max;
}

// --- send ------------------------------------------------------------------------------------

PyObject* WebSocketCycle::send(PyObject* self, PyObject* message) {
  if (state_ == State::closed || bridge() == nullptr) {
    return raise_disconnected();
  }
  const Names& names = bridge()->names;
  if (state_ == State::open) {
    if (const Payload usual = read_usual(message, names); usual.object != nullptr) {
      return send_payload(self, usual.kind, py::Ref::borrow(usual.object));
    }
  }
  PyObject* type = read_type(message, names);
  if (type == nullptr) {
    return nullptr;
  }
  switch (state_) {
    case State::open:
      if (is(type, names.websocket_send)) {
        return send_message(self, message);
      }
      return is(type, names.websocket_close) ? close(message) : unexpected(type);
    case State::connecting:
      if (is(type, names.websocket_accept)) {
        return accept(message);
      }
      if (is(type, names.websocket_close)) {
        return deny();
      }
      return is(type, names.denial_start) ? start_denial(message) : unexpected(type);
    case State::denying:
      return is(type, names.denial_body) ? send_denial(self, message) : unexpected(type);
    case State::closed:
      break;
  }
  return unexpected(type);
}

PyObject* WebSocketCycle::send_message(PyObject* self, PyObject* message) {
  const Names& names = bridge()->names;
  py::Ref text = py::Ref::borrow(member(message, names.text));
  py::Ref bytes = py::Ref::borrow(member(message, names.bytes));
  const bool has_text = text && text.get() != Py_None;
  const bool has_bytes = bytes && bytes.get() != Py_None;
  if (has_text == has_bytes) {
    if (PyErr_Occurred() == nullptr) {
      PyErr_SetString(PyExc_ValueError, "'websocket.send' needs one of 'text' and 'bytes'");
    }
    return nullptr;
  }
  return has_text ? send_payload(self, ws::MessageKind::text, std::move(text))
                  : send_payload(self, ws::MessageKind::binary, std::move(bytes));
}

PyObject* WebSocketCycle::send_payload(PyObject* self, ws::MessageKind kind, py::Ref payload) {
  const bool is_text = kind == ws::MessageKind::text;
  std::string_view view;
  BodyBytes body;
  if (is_text) {
    if (!PyUnicode_Check(payload.get())) {
      PyErr_Format(PyExc_TypeError, "'text' must be str, not %.100s",
                   Py_TYPE(payload.get())->tp_name);
      return nullptr;
    }
    if (!view_text(payload.get(), view)) {
      return nullptr;
    }
  } else {
    if (!body.read(payload.get())) {
      return nullptr;
    }
    view = body.view();
  }
  if (socket_ == nullptr) {
    return raise_disconnected();  // a buffer's exporter ran Python code
  }
  const bool by_reference = view.size() >= net::WebSocket::by_reference_bytes_min &&
                            (is_text || PyBytes_CheckExact(payload.get()));
  const net::WebSocket::Sent sent =
      by_reference ? socket_->send(kind, own(payload.get(), view)) : socket_->send(kind, view);
  return sent == net::WebSocket::Sent::wait
             ? Awaitable::make_wait(*bridge(), Awaitable::Kind::writable, self, *this)
             : Py_NewRef(bridge()->ready.get());
}

PyObject* WebSocketCycle::close(PyObject* message) {
  const Names& names = bridge()->names;
  PyObject* code = member(message, names.code);
  const py::Ref reason = py::Ref::borrow(member(message, names.reason));
  long value = ws::close_normal;
  if (code != nullptr && code != Py_None) {
    value = PyLong_AsLong(code);
    if (value < 0 || !ws::may_be_sent(static_cast<unsigned>(value))) {
      if (PyErr_Occurred() == nullptr) {
        PyErr_Format(PyExc_ValueError, "Invalid close code %ld.", value);
      }
      return nullptr;
    }
  }
  std::string_view text;
  if (PyErr_Occurred() != nullptr ||
      (reason && reason.get() != Py_None && !view_text(reason.get(), text))) {
    return nullptr;
  }
  socket_->close(static_cast<std::uint16_t>(value), text);
  end(static_cast<std::uint16_t>(value), text);
  return Py_NewRef(bridge()->ready.get());
}

PyObject* WebSocketCycle::unexpected(PyObject* type) {
  const char* wanted = state_ == State::open      ? "'websocket.send' or 'websocket.close'"
                       : state_ == State::denying ? "'websocket.http.response.body'"
                                                  : "'websocket.accept', 'websocket.close' or "
                                                    "'websocket.http.response.start'";
  PyErr_Format(PyExc_RuntimeError, "Expected ASGI message %s, but got '%S'.", wanted, type);
  return nullptr;
}

PyObject* WebSocketCycle::take_room(bool woken) {
  if (state_ == State::closed) {
    return raise_disconnected();
  }
  return woken ? Py_NewRef(Py_None) : nullptr;
}

void WebSocketCycle::on_writable() {
  wake_writers();
}

// --- the end ---------------------------------------------------------------------------------

/// Nobody waits for a WebSocket behind his own FIN.
void WebSocketCycle::on_peer_finished() {
  net::Exchange& exchange = *exchange_;
  end(ws::close_abnormal, {});
  exchange.abort();
}

void WebSocketCycle::on_disconnect() {
  end(ws::close_abnormal, {});
}

void WebSocketCycle::on_closed(std::uint16_t code, std::string_view reason) {
  end(code, reason);
}

void WebSocketCycle::end(std::uint16_t code, std::string_view reason) {
  exchange_ = nullptr;
  socket_ = nullptr;
  state_ = State::closed;
  code_ = code;
  if (!reason.empty()) {
    reason_ = make_text(reason);
    PyErr_Clear();
  }
  wake_receivers();
  wake_writers();
}

void WebSocketCycle::fail(const std::string& complaint) {
  if (!complaint.empty()) {
    bridge()->log.error(complaint);
  }
  net::Exchange* exchange = exchange_;
  net::WebSocket* socket = socket_;
  const bool open = socket != nullptr;
  end(open ? ws::close_internal_error : ws::close_abnormal, {});
  if (open) {
    socket->close(ws::close_internal_error, {});
  } else if (exchange != nullptr) {
    exchange->fail();
  }
}

void WebSocketCycle::on_call_ended(CallEnd end) {
  if (state_ == State::closed) {
    return;
  }
  const bool left_open = end == CallEnd::returned;
  fail(left_open && state_ == State::connecting
           ? "ASGI callable returned without completing handshake."
       : left_open && state_ == State::denying
           ? "ASGI callable returned without completing response."
           : "");
}

}  // namespace ringhorn::asgi
