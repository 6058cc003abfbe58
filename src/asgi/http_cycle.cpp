#include "http_cycle.hpp"

#include <ringhorn/py/error.hpp>

#include <algorithm>
#include <cstddef>
#include <new>

namespace ringhorn::asgi {

HttpCycle::HttpCycle(Bridge& bridge, net::Exchange& exchange)
    : Cycle(bridge), exchange_(&exchange) {
  exchange.attach(*this);
}

HttpCycle::~HttpCycle() {
  // The task holds `send`, or has ended: an exchange that is still open here lost its answer.
  RINGHORN_ASSERT(exchange_ == nullptr);
}

// --- receive ---------------------------------------------------------------------------------

PyObject* HttpCycle::take_message() {
  if (bridge() == nullptr) {
    return raise_disconnected();
  }
  if (request_event_) {
    return request_event_.release();
  }
  if (!alive() || (body_told_ && peer_finished_)) {
    note_disconnect_told();
    return PyDict_Copy(bridge()->disconnect_message.get());
  }
  if (body_told_ || !exchange_->body_ready()) {
    return nullptr;
  }
  return make_request_event().release();
}

/// An http.request with all that is there; empty with an exception set, and then nothing is lost.
/// REQUIRES: body_ready()
py::Ref HttpCycle::make_request_event() {
  const Names& names = bridge()->names;
  py::Ref message = py::Ref::steal(PyDict_Copy(bridge()->empty_request.get()));
  const std::size_t size = exchange_->body_bytes_ready();
  const py::Ref bytes =
      size == 0 ? names.empty_bytes
                : py::Ref::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size)));
  if (!message || !bytes || PyDict_SetItem(message.get(), names.body.get(), bytes.get()) < 0) {
    return {};
  }
  const net::Exchange::Body body = exchange_->take_body();
  char* at = PyBytes_AS_STRING(bytes.get());
  for (const std::string_view piece : body.pieces) {
    at = std::copy(piece.begin(), piece.end(), at);
  }
  body_told_ = !body.more;
  if (body.more && PyDict_SetItem(message.get(), names.more_body.get(), Py_True) < 0) {
    return {};
  }
  return message;
}

void HttpCycle::await_message() {
  if (!body_told_ && !awaits_body_) {
    awaits_body_ = true;
    exchange_->await_body();
  }
}

void HttpCycle::on_body_ready() {
  awaits_body_ = false;
  // Made here, out of the received bytes: by the time the receiver runs they would be a copy.
  request_event_ = make_request_event();
  if (!request_event_) {
    PyErr_Clear();  // no memory: the receiver will try again, and be told
  }
  wake_receivers();
}

// --- send ------------------------------------------------------------------------------------

PyObject* HttpCycle::send(PyObject* self, PyObject* message) {
  if (state_ == State::disconnected || bridge() == nullptr) {
    return raise_disconnected();
  }
  const Names& names = bridge()->names;
  ResponseMembers members;
  if (!read_members(message, names, members)) {
    return give_up();
  }
  if (state_ == State::started && is(members.type, names.response_body)) {
    return send_body(self, members);
  }
  if (state_ == State::waiting && is(members.type, names.response_start)) {
    return send_start(members);
  }
  if (state_ == State::trailers && is(members.type, names.response_trailers)) {
    return send_trailers(message);
  }
  return unexpected(members.type);
}

PyObject* HttpCycle::send_start(const ResponseMembers& members) {
  const py::Ref headers = py::Ref::borrow(members.headers);
  const int status = read_status(members.status);
  const int trailers = status < 0 ? -1 : truth(members.trailers);
  if (trailers < 0) {
    return give_up();
  }
  trailers_announced_ = trailers != 0;
  status_ = status;
  exchange_->begin_response(status, trailers_announced_);
  if (headers && !add_fields(headers.get())) {
    return give_up();
  }
  if (!alive()) {
    return raise_disconnected();  // iterating over the headers ran Python code
  }
  state_ = State::started;
  return Py_NewRef(bridge()->ready.get());
}

bool HttpCycle::add_fields(PyObject* headers) {
  return for_each_header(headers, [this](std::string_view name, std::string_view value) {
    if (!alive()) {
      raise_disconnected();
      return false;
    }
    return check_field(exchange_->add_field(name, value));
  });
}

PyObject* HttpCycle::send_body(PyObject* self, const ResponseMembers& members) {
  const py::Ref body = py::Ref::borrow(members.body);
  const int more = truth(members.more_body);
  BodyBytes bytes;
  if (more < 0 || !bytes.read(body.get())) {
    return give_up();
  }
  if (!alive()) {
    return raise_disconnected();
  }
  const bool last = more == 0;
  const std::string_view view = bytes.view();
  warn_of_body(view);
  const net::SendResult result =
      view.size() >= net::Exchange::by_reference_bytes_min && PyBytes_CheckExact(body.get())
          ? exchange_->send_body(
                base::OwnedSlice(view, py::release_reference, Py_NewRef(body.get())), last)
          : exchange_->send_body(view, last);
  if (result == net::SendResult::too_long) {
    PyErr_SetString(PyExc_RuntimeError, "Response content longer than Content-Length");
  } else if (result == net::SendResult::too_short) {
    PyErr_SetString(PyExc_RuntimeError, "Response content shorter than Content-Length");
  }
  if (last && !trailers_announced_) {
    end(State::complete);
  } else if (last) {
    state_ = State::trailers;
  }
  if (PyErr_Occurred() != nullptr) {
    return give_up();
  }
  return result == net::SendResult::wait && !last
             ? Awaitable::make_wait(*bridge(), Awaitable::Kind::writable, self, *this)
             : Py_NewRef(bridge()->ready.get());
}

/// RFC 9110 §6.4.1: what these statuses say ends with the head (robustness 43).
void HttpCycle::warn_of_body(std::string_view body) {
  const bool bodyless = status_ < 200 || status_ == 204 || status_ == 205 || status_ == 304;
  if (bodyless && !body.empty() && !warned_) {
    warned_ = true;
    bridge()->log.warning("A response with status " + std::to_string(status_) +
                          " has no body: what the application sent is dropped.");
  }
}

PyObject* HttpCycle::send_trailers(PyObject* message) {
  const Names& names = bridge()->names;
  if (!trailers_) {
    trailers_ = std::make_unique<std::string>();
  }
  PyObject* headers = member(message, names.headers);
  const bool read =
      headers == nullptr ||
      for_each_header(headers, [this](std::string_view name, std::string_view value) {
        if (!http::is_token(name) || !http::is_field_value(value)) {
          PyErr_SetString(PyExc_RuntimeError, http::is_token(name) ? "Invalid HTTP header value."
                                                                   : "Invalid HTTP header name.");
          return false;
        }
        trailers_->append(name).append(": ").append(value).append("\r\n");
        return true;
      });
  const int more =
      read && PyErr_Occurred() == nullptr ? truth(member(message, names.more_trailers)) : -1;
  if (more < 0) {
    return give_up();
  }
  if (!alive()) {
    return raise_disconnected();
  }
  if (more == 0) {
    exchange_->send_trailers(*trailers_);
    end(State::complete);
  }
  return Py_NewRef(bridge()->ready.get());
}

PyObject* HttpCycle::unexpected(PyObject* type) {
  const char* wanted = state_ == State::waiting   ? "http.response.start"
                       : state_ == State::started ? "http.response.body"
                                                  : "http.response.trailers";
  if (alive()) {
    PyErr_Format(PyExc_RuntimeError, "Expected ASGI message '%s', but got '%S'.", wanted, type);
    return give_up();
  }
  PyErr_Format(PyExc_RuntimeError,
               "Unexpected ASGI message '%S' sent, after response already completed.", type);
  return nullptr;
}

/// The application sent something that cannot be answered with: it gets the pending exception, the
/// client a 500 or a cut connection.
PyObject* HttpCycle::give_up() {
  if (alive()) {
    py::Ref exception = py::fetch_exception();
    cut({});
    py::raise(std::move(exception));
  }
  return nullptr;
}

PyObject* HttpCycle::take_room(bool woken) {
  if (state_ == State::disconnected) {
    return raise_disconnected();
  }
  return woken || !alive() ? Py_NewRef(Py_None) : nullptr;
}

void HttpCycle::on_writable() {
  wake_writers();
}

// --- the end ---------------------------------------------------------------------------------

/// A long poll wants to hear that the client has hung up; one that only half-closed gets its
/// answer.
void HttpCycle::on_peer_finished() {
  peer_finished_ = true;
  wake_receivers();
}

void HttpCycle::on_disconnect() {
  end(State::disconnected);
}

void HttpCycle::end(State state) {
  exchange_ = nullptr;
  state_ = state;
  wake_receivers();
  wake_writers();
}

/// Ends the exchange for a failure of the application. What was begun is put on the wire first, so
/// that the client sees a truncated response and not a clean one.
void HttpCycle::cut(const std::string& complaint) {
  if (!complaint.empty()) {
    bridge()->log.error(complaint);
  }
  net::Exchange& exchange = *exchange_;
  if (state_ == State::started) {
    exchange.send_body(std::string_view(), false);
  }
  end(State::failed);
  exchange.fail();
}

void HttpCycle::on_call_ended(CallEnd end) {
  if (!alive()) {
    return;
  }
  if (end == CallEnd::raised || disconnect_told()) {
    cut({});  // the exception was told; or nobody is there any more, as the application knows
  } else {
    cut(state_ == State::waiting ? "ASGI callable returned without starting response."
                                 : "ASGI callable returned without completing response.");
  }
}

}  // namespace ringhorn::asgi
