#include "message_fields.hpp"

#include <cstddef>
#include <cstring>

namespace ringhorn::asgi {

/// CPython interns constants that could be identifiers, which message types are not: as a rule the
/// application's is another object with the same text.
bool is(PyObject* type, const py::Ref& name) {
  if (type == name.get()) {
    return true;
  }
  if (!PyUnicode_Check(type)) {
    return false;
  }
  const Py_ssize_t length = PyUnicode_GET_LENGTH(name.get());
  return PyUnicode_GET_LENGTH(type) == length && PyUnicode_IS_ASCII(type) &&
         std::memcmp(PyUnicode_DATA(type), PyUnicode_DATA(name.get()),
                     static_cast<std::size_t>(length)) == 0;
}

/// A borrowed member of a message; null when it is missing (or the look-up failed: exception set).
PyObject* member(PyObject* message, const py::Ref& key) {
  return PyDict_GetItemWithError(message, key.get());
}

int truth(PyObject* value) {
  if (value == nullptr) {
    return PyErr_Occurred() == nullptr ? 0 : -1;
  }
  return value == Py_False ? 0 : value == Py_True ? 1 : PyObject_IsTrue(value);
}

PyObject* read_type(PyObject* message, const Names& names) {
  PyObject* type = PyDict_Check(message) ? member(message, names.type) : nullptr;
  if (type == nullptr && PyErr_Occurred() == nullptr) {
    PyErr_Format(PyExc_TypeError, "send() needs a dict with a 'type', not %.100R", message);
  }
  return type;
}

bool read_members(PyObject* message, const Names& names, ResponseMembers& members) {
  members = {};
  const auto find = [&](auto is_key) -> PyObject** {
    return is_key(names.type)        ? &members.type
           : is_key(names.body)      ? &members.body
           : is_key(names.status)    ? &members.status
           : is_key(names.headers)   ? &members.headers
           : is_key(names.more_body) ? &members.more_body
           : is_key(names.trailers)  ? &members.trailers
                                     : nullptr;
  };
  Py_ssize_t at = 0;
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  for (Py_ssize_t left = PyDict_Check(message) ? PyDict_GET_SIZE(message) : 0; left > 0; --left) {
    PyDict_Next(message, &at, &key, &value);
    PyObject** found = find([key](const py::Ref& name) { return key == name.get(); });
    if (found == nullptr) {
      found = find([key](const py::Ref& name) { return is(key, name); });
    }
    if (found != nullptr) {
      *found = value;
    }
  }
  if (members.type == nullptr) {
    members.type = read_type(message, names);
  }
  return members.type != nullptr;
}

int read_status(PyObject* status) {
  if (status == nullptr) {
    if (PyErr_Occurred() == nullptr) {
      PyErr_SetString(PyExc_ValueError, "'http.response.start' needs a 'status'");
    }
    return -1;
  }
  if (!PyLong_Check(status)) {
    PyErr_Format(PyExc_TypeError, "'status' must be an int, not %.100s", Py_TYPE(status)->tp_name);
    return -1;
  }
  const long value = PyLong_AsLong(status);
  if (value < 100 || value > 999) {
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "'status' must be between 100 and 999, not %S", status);
    return -1;
  }
  return static_cast<int>(value);
}

bool check_field(http::FieldError error) {
  switch (error) {
    case http::FieldError::none:
      return true;
    case http::FieldError::bad_name:
      PyErr_SetString(PyExc_RuntimeError, "Invalid HTTP header name.");
      return false;
    case http::FieldError::bad_value:
      PyErr_SetString(PyExc_RuntimeError, "Invalid HTTP header value.");
      return false;
    case http::FieldError::bad_content_length:
      PyErr_SetString(PyExc_RuntimeError, "Invalid Content-Length header.");
      return false;
  }
  return false;
}

BodyBytes::~BodyBytes() {
  if (buffer_.obj != nullptr) {
    PyBuffer_Release(&buffer_);
  }
}

bool BodyBytes::read(PyObject* body) {
  if (body == nullptr) {
    return true;
  }
  if (PyBytes_CheckExact(body)) {
    view_ = {PyBytes_AS_STRING(body), static_cast<std::size_t>(PyBytes_GET_SIZE(body))};
    return true;
  }
  if (!PyObject_CheckBuffer(body)) {
    PyErr_Format(PyExc_TypeError, "the body must be bytes, not %.100s", Py_TYPE(body)->tp_name);
    return false;
  }
  if (PyObject_GetBuffer(body, &buffer_, PyBUF_SIMPLE) < 0) {
    return false;
  }
  view_ = {static_cast<const char*>(buffer_.buf), static_cast<std::size_t>(buffer_.len)};
  return true;
}

bool view_text(PyObject* text, std::string_view& view) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text, &size);
  if (data == nullptr) {
    return false;
  }
  view = {data, static_cast<std::size_t>(size)};
  return true;
}

bool view_bytes(PyObject* object, std::string_view& view) {
  if (PyBytes_Check(object)) {
    view = {PyBytes_AS_STRING(object), static_cast<std::size_t>(PyBytes_GET_SIZE(object))};
    return true;
  }
  if (PyByteArray_Check(object)) {
    view = {PyByteArray_AS_STRING(object), static_cast<std::size_t>(PyByteArray_GET_SIZE(object))};
    return true;
  }
  PyErr_Format(PyExc_TypeError, "header names and values must be bytes, not %.100s",
               Py_TYPE(object)->tp_name);
  return false;
}

bool unpack_pair(PyObject* pair, py::Ref& name, py::Ref& value) {
  if (PyBytes_Check(pair) || PyUnicode_Check(pair)) {
    PyErr_SetString(PyExc_TypeError, "headers must be pairs of a name and a value");
    return false;
  }
  const py::Ref items = py::Ref::steal(PySequence_Tuple(pair));
  if (!items) {
    return false;
  }
  if (PyTuple_GET_SIZE(items.get()) != 2) {
    PyErr_Format(PyExc_ValueError, "a header must be a name and a value, not %zd items",
                 PyTuple_GET_SIZE(items.get()));
    return false;
  }
  name = py::Ref::borrow(PyTuple_GET_ITEM(items.get(), 0));
  value = py::Ref::borrow(PyTuple_GET_ITEM(items.get(), 1));
  return true;
}

}  // namespace ringhorn::asgi
