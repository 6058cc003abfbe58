/// Ref owns one reference to a Python object; a plain PyObject* is borrowed. The only ways in are
/// steal() and borrow(), so that a reader never has to remember which C call returns what. All of
/// it needs the GIL.
#pragma once

#include <utility>

#include <ringhorn/py/python.hpp>

namespace ringhorn::py {

class Ref {
 public:
  Ref() = default;
  /// Takes over a new reference; null stays null (an exception is set then, as a rule).
  static Ref steal(PyObject* object) noexcept { return Ref(object); }
  /// Adds a reference to a borrowed object; null stays null.
  static Ref borrow(PyObject* object) noexcept {
    Py_XINCREF(object);
    return Ref(object);
  }
  Ref(const Ref& other) noexcept : object_(other.object_) { Py_XINCREF(object_); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { Py_XDECREF(object_); }

  PyObject* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  /// Hands the reference to the caller.
  PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  /// Drops the reference. Python code may run: *this is empty before it does.
  void reset() noexcept { Ref().swap(*this); }
  void swap(Ref& other) noexcept { std::swap(object_, other.object_); }

 private:
  explicit Ref(PyObject* object) noexcept : object_(object) {}
  PyObject* object_ = nullptr;
};

/// Drops one reference, for owners that know no Python (base::OwnedSlice). REQUIRES: the GIL
inline void release_reference(void* object) noexcept {
  Py_DECREF(static_cast<PyObject*>(object));
}

}  // namespace ringhorn::py
