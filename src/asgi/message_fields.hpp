/// Reading what an application puts into its messages: members, header lists and bodies, in every
/// form that ASGI allows, with the exceptions that it sees when they are wrong. Needs the GIL.
#pragma once

#include <string_view>

#include <ringhorn/http/response_writer.hpp>
#include <ringhorn/py/ref.hpp>

#include "names.hpp"

namespace ringhorn::asgi {

/// Whether a message's `type` is the text `name`. REQUIRES: `name` is ASCII
bool is(PyObject* type, const py::Ref& name);

/// A borrowed member of a message; null when it is missing, or with an exception set when the
/// look-up failed.
PyObject* member(PyObject* message, const py::Ref& key);

/// The truth of a member, false when it is missing (null); -1 with an exception set, also when one
/// was set before.
int truth(PyObject* value);

/// The borrowed type of what was given to send(); null with an exception set when it has none.
PyObject* read_type(PyObject* message, const Names& names);

/// The members of an http.response.start or .body, borrowed: null when missing.
struct ResponseMembers {
  PyObject *type, *status, *headers, *trailers, *body, *more_body;
};

/// Reads what was given to send(), all members in one pass. False with an exception set when it has
/// no type.
bool read_members(PyObject* message, const Names& names, ResponseMembers& members);

/// The status of a response start from its member, which may be null; -1 with an exception set.
int read_status(PyObject* status);

/// True for FieldError::none; else false with an exception set.
bool check_field(http::FieldError error);

/// Calls `take(name, value)` for each pair of `headers`: any iterable of two-item iterables of
/// bytes. Stops and returns false, with an exception set, when the list is wrong or `take` returned
/// false.
template <typename Take>
bool for_each_header(PyObject* headers, Take&& take);

/// The bytes of a `body` value: bytes, bytearray or memoryview; TypeError for anything else.
class BodyBytes {
 public:
  BodyBytes() = default;
  BodyBytes(const BodyBytes&) = delete;
  BodyBytes& operator=(const BodyBytes&) = delete;
  ~BodyBytes();

  /// False with an exception set. `body` null means empty.
  bool read(PyObject* body);
  std::string_view view() const noexcept { return view_; }

 private:
  std::string_view view_;
  Py_buffer buffer_{};
};

/// One item of a header pair as bytes; false with TypeError set when it is not bytes.
bool view_bytes(PyObject* object, std::string_view& view);

/// The UTF-8 of a str, kept inside it: a text that goes to many clients is encoded once. False with
/// an exception set when it has lone surrogates. REQUIRES: PyUnicode_Check(text)
bool view_text(PyObject* text, std::string_view& view);

/// The two items of a header pair, owned. False with an exception set when it has not two items.
bool unpack_pair(PyObject* pair, py::Ref& name, py::Ref& value);

template <typename Take>
bool for_each_header(PyObject* headers, Take&& take) {
  std::string_view name, value;
  const auto visit = [&](PyObject* pair) {
    if (PyTuple_CheckExact(pair) && PyTuple_GET_SIZE(pair) == 2) {
      return view_bytes(PyTuple_GET_ITEM(pair, 0), name) &&
             view_bytes(PyTuple_GET_ITEM(pair, 1), value) && take(name, value);
    }
    py::Ref owned_name, owned_value;
    return unpack_pair(pair, owned_name, owned_value) && view_bytes(owned_name.get(), name) &&
           view_bytes(owned_value.get(), value) && take(name, value);
  };
  if (PyList_CheckExact(headers)) {
    // Nothing in here runs Python code for tuples; a pair of another kind may change the list.
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); ++i) {
      const py::Ref pair = py::Ref::borrow(PyList_GET_ITEM(headers, i));
      if (!visit(pair.get())) {
        return false;
      }
    }
    return true;
  }
  const py::Ref iterator = py::Ref::steal(PyObject_GetIter(headers));
  if (!iterator) {
    return false;
  }
  while (const py::Ref pair = py::Ref::steal(PyIter_Next(iterator.get()))) {
    if (!visit(pair.get())) {
      return false;
    }
  }
  return PyErr_Occurred() == nullptr;
}

}  // namespace ringhorn::asgi
