#include "message_fields.hpp"

namespace ringhorn::asgi {

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
