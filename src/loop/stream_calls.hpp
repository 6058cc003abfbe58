/// StreamCalls is how native code and a socket transport meet: the two methods that every piece of
/// data goes through, `write` and `_read_ready`, and the calls of a transport's protocol. All else
/// of a transport (its life, its buffer, flow control, the ways to fail) is asyncio's own class,
/// from which event_loop.py derives ours; whatever is not the straight way is left to that. Needs
/// the GIL, which is kept: a socket that does not block takes what it can in microseconds.
#pragma once

#include <cstddef>
#include <span>

#include <ringhorn/py/ref.hpp>

namespace ringhorn::loop {

class StreamCalls {
 public:
  /// Makes the methods, adds them to `transport_class` (SocketTransport of event_loop.py), and
  /// finds out where its instances keep what. A capsule; empty with an exception set on failure.
  static py::Ref make(PyObject* transport_class);
  /// What a capsule from make() refers to.
  static const StreamCalls& of(const py::Ref& capsule);

  // All of these REQUIRE: `transport` is a SocketTransport.

  /// Gives bytes to the protocol: all of them, or as many as fit the buffer of a BufferedProtocol.
  /// How many, which includes those that nobody wants any more; 0 with an exception set when one
  /// comes out that ends the program. Every other ends the transport. REQUIRES: bytes not empty
  std::size_t deliver(PyObject* transport, std::span<const char> bytes) const;
  /// Tells the end of the stream, or ends the transport with an errno. False as above.
  bool end(PyObject* transport, int error) const;
  /// -1, maybe with an exception set, when there is none. Asks the socket object, which knows when
  /// somebody has closed it: the number may be another's then.
  int descriptor_of(PyObject* transport) const;
  py::Ref context_of(PyObject* transport) const {
    return py::Ref::borrow(slot(transport, context_));
  }
  /// The bound method; empty with an exception set.
  py::Ref read_ready_of(PyObject* transport) const;

 private:
  bool prepare(PyObject* transport_class);
  static PyObject* on_read_ready(PyObject* capsule, PyObject* transport);
  static PyObject* on_write(PyObject* capsule, PyObject* const* arguments, Py_ssize_t count,
                            PyObject* keywords);
  static PyMethodDef read_ready_method;
  static PyMethodDef write_method;

  static PyObject* slot(PyObject* transport, Py_ssize_t offset) noexcept {
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(transport) + offset);
  }
  std::size_t fill(PyObject* transport, PyObject* protocol, std::span<const char> bytes) const;
  PyObject* write(PyObject* transport, PyObject* data) const;
  bool may_send(PyObject* transport) const;
  PyObject* write_slowly(PyObject* transport, PyObject* data) const;
  bool fail(PyObject* transport, const char* message) const;

  // Where in a transport an attribute is (event_loop.py has the list).
  Py_ssize_t stream_ = 0, context_ = 0, buffered_ = 0, protocol_ = 0, sock_ = 0, buffer_ = 0;
  Py_ssize_t eof_ = 0, conn_lost_ = 0, empty_waiter_ = 0;
  // Names of methods.
  py::Ref fileno_, data_received_, get_buffer_, buffer_updated_, read_ready_, end_reading_;
  py::Ref asyncio_write_, fail_transport_;
  /// What small integers are compared with: there is one object of each.
  py::Ref zero_;
};

}  // namespace ringhorn::loop
