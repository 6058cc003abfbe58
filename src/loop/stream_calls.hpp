/// StreamCalls are the two methods of a socket transport that every piece of data goes through:
/// `_read_ready` and `write`, native. All else of a transport (its life, its buffer, flow control,
/// the ways to fail) is asyncio's own class, from which event_loop.py derives ours; whatever is not
/// the straight way is left to that. Needs the GIL, which is kept: a socket that does not block
/// gives or takes what it can in microseconds.
#pragma once

#include <cstddef>
#include <memory>

#include <ringhorn/py/ref.hpp>

namespace ringhorn::loop {

class StreamCalls {
 public:
  /// The functions `(read_ready, write)`, to become methods of a class derived from asyncio's
  /// `_SelectorSocketTransport`. `read_ready` wants an attribute `_buffered`: whether the protocol
  /// is a BufferedProtocol. Empty with an exception set on failure.
  static py::Ref make();

 private:
  /// Larger than what a socket holds mostly: bytes come as few objects of their very size.
  static constexpr std::size_t receive_bytes = 256 * 1024;

  bool prepare();
  static PyObject* on_read_ready(PyObject* capsule, PyObject* transport);
  static PyObject* on_write(PyObject* capsule, PyObject* const* arguments, Py_ssize_t count,
                            PyObject* keywords);
  static PyMethodDef read_ready_method;
  static PyMethodDef write_method;

  PyObject* read(PyObject* transport);
  PyObject* receive(PyObject* transport, int fd);
  PyObject* write(PyObject* transport, PyObject* data) const;
  bool may_send(PyObject* transport) const;
  PyObject* write_slowly(PyObject* transport, PyObject* data) const;
  PyObject* fail(PyObject* transport, const char* message) const;
  int descriptor_of(PyObject* transport) const;

  // Names of attributes, then of methods.
  py::Ref buffered_, conn_lost_, eof_, empty_waiter_, buffer_, sock_, protocol_;
  py::Ref fileno_, data_received_, fill_buffer_, end_reading_, asyncio_write_, fail_transport_;
  /// Shared by all transports: full only between a receive and the `bytes` made of it.
  std::unique_ptr<char[]> received_;
};

}  // namespace ringhorn::loop
