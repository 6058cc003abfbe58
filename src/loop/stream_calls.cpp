#include "stream_calls.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <ringhorn/py/error.hpp>

#include "stream.hpp"

namespace ringhorn::loop {

namespace {

constexpr const char* stream_calls_capsule_name = "ringhorn.loop.stream_calls";

void free_calls(PyObject* capsule) {
  const std::unique_ptr<StreamCalls> owned(
      static_cast<StreamCalls*>(PyCapsule_GetPointer(capsule, stream_calls_capsule_name)));
}

StreamCalls& calls_of(PyObject* capsule) {
  return *static_cast<StreamCalls*>(PyCapsule_GetPointer(capsule, stream_calls_capsule_name));
}

bool intern(py::Ref& name, const char* text) {
  name = py::Ref::steal(PyUnicode_InternFromString(text));
  return static_cast<bool>(name);
}

/// Where instances of `type` keep the attribute `name` of its `__slots__`. False with an exception
/// set when it is none.
bool find_slot(PyObject* type, const char* name, Py_ssize_t& offset) {
  const py::Ref found = py::Ref::steal(PyObject_GetAttrString(type, name));
  if (!found) {
    return false;
  }
  if (!Py_IS_TYPE(found.get(), &PyMemberDescr_Type)) {
    PyErr_Format(PyExc_TypeError, "%s is no slot", name);
    return false;
  }
  offset = reinterpret_cast<PyMemberDescrObject*>(found.get())->d_member->offset;
  return true;
}

/// Functions of C are no methods when a class has them; these are.
bool add_method(PyObject* type, PyMethodDef& definition, PyObject* self) {
  const py::Ref function = py::Ref::steal(PyCFunction_New(&definition, self));
  const py::Ref method =
      function ? py::Ref::steal(PyInstanceMethod_New(function.get())) : py::Ref();
  return method && PyObject_SetAttrString(type, definition.ml_name, method.get()) == 0;
}

bool may_come_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/// What a transport takes, as one piece of memory. Empty without an exception when it is not that.
class Piece {
 public:
  explicit Piece(PyObject* data) {
    const bool known = PyBytes_Check(data) || PyByteArray_Check(data) || PyMemoryView_Check(data);
    held_ = known && PyObject_GetBuffer(data, &view_, PyBUF_SIMPLE) == 0;
    if (known && !held_) {
      PyErr_Clear();
    }
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;
  ~Piece() {
    if (held_) {
      PyBuffer_Release(&view_);
    }
  }
  const void* data() const noexcept { return view_.buf; }
  Py_ssize_t size() const noexcept { return held_ ? view_.len : 0; }

 private:
  Py_buffer view_{};
  bool held_ = false;
};

}  // namespace

PyMethodDef StreamCalls::read_ready_method = {"_read_ready", on_read_ready, METH_O, nullptr};
PyMethodDef StreamCalls::write_method = {
    "write", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(on_write)),
    METH_FASTCALL | METH_KEYWORDS,
    "Writes some data; does not block: what cannot leave at once is buffered."};

py::Ref StreamCalls::make(PyObject* transport_class) {
  auto calls = std::make_unique<StreamCalls>();
  if (!calls->prepare(transport_class)) {
    return {};
  }
  py::Ref capsule =
      py::Ref::steal(PyCapsule_New(calls.get(), stream_calls_capsule_name, free_calls));
  if (!capsule) {
    return {};
  }
  [[maybe_unused]] const StreamCalls* owned_by_capsule = calls.release();
  const bool added = add_method(transport_class, read_ready_method, capsule.get()) &&
                     add_method(transport_class, write_method, capsule.get());
  return added ? capsule : py::Ref();
}

const StreamCalls& StreamCalls::of(const py::Ref& capsule) {
  return calls_of(capsule.get());
}

bool StreamCalls::prepare(PyObject* transport_class) {
  zero_ = py::Ref::steal(PyLong_FromLong(0));
  return zero_ && intern(fileno_, "fileno") && intern(data_received_, "data_received") &&
         intern(get_buffer_, "get_buffer") && intern(buffer_updated_, "buffer_updated") &&
         intern(read_ready_, "_read_ready") && intern(end_reading_, "_read_ready__on_eof") &&
         intern(asyncio_write_, "_asyncio_write") && intern(fail_transport_, "_fail") &&
         find_slot(transport_class, "_stream", stream_) &&
         find_slot(transport_class, "_context", context_) &&
         find_slot(transport_class, "_buffered", buffered_) &&
         find_slot(transport_class, "_protocol", protocol_) &&
         find_slot(transport_class, "_sock", sock_) &&
         find_slot(transport_class, "_buffer", buffer_) &&
         find_slot(transport_class, "_eof", eof_) &&
         find_slot(transport_class, "_conn_lost", conn_lost_) &&
         find_slot(transport_class, "_empty_waiter", empty_waiter_);
}

PyObject* StreamCalls::on_read_ready(PyObject* capsule, PyObject* transport) {
  Stream& stream = stream_of(slot(transport, calls_of(capsule).stream_));
  return stream.deliver_held() ? Py_NewRef(Py_None) : nullptr;
}

PyObject* StreamCalls::on_write(PyObject* capsule, PyObject* const* arguments, Py_ssize_t count,
                                PyObject* keywords) {
  const StreamCalls& calls = calls_of(capsule);
  if (count == 2 && keywords == nullptr) {
    return calls.write(arguments[0], arguments[1]);
  }
  // `write(data=…)`, or wrong: asyncio's function knows its arguments.
  return PyObject_VectorcallMethod(calls.asyncio_write_.get(), arguments,
                                   static_cast<std::size_t>(count), keywords);
}

std::size_t StreamCalls::deliver(PyObject* transport, std::span<const char> bytes) const {
  const py::Ref protocol = py::Ref::borrow(slot(transport, protocol_));
  if (!protocol || slot(transport, conn_lost_) != zero_.get()) {
    return bytes.size();
  }
  if (slot(transport, buffered_) == Py_True) {
    return fill(transport, protocol.get(), bytes);
  }
  const py::Ref data = py::Ref::steal(
      PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
  const py::Ref done = data ? py::Ref::steal(PyObject_CallMethodOneArg(
                                  protocol.get(), data_received_.get(), data.get()))
                            : py::Ref();
  const bool going = done || fail(transport, "Fatal error: protocol.data_received() call failed.");
  return going ? bytes.size() : 0;
}

/// As deliver(), for a BufferedProtocol.
std::size_t StreamCalls::fill(PyObject* transport, PyObject* protocol,
                              std::span<const char> bytes) const {
  const py::Ref wanted = py::Ref::steal(PyLong_FromLong(-1));
  const py::Ref buffer =
      wanted ? py::Ref::steal(PyObject_CallMethodOneArg(protocol, get_buffer_.get(), wanted.get()))
             : py::Ref();
  if (buffer && PyObject_Size(buffer.get()) == 0) {
    PyErr_SetString(PyExc_RuntimeError, "get_buffer() returned an empty buffer");
  }
  if (PyErr_Occurred() != nullptr) {
    return fail(transport, "Fatal error: protocol.get_buffer() call failed.") ? bytes.size() : 0;
  }
  Py_buffer view;
  if (PyObject_GetBuffer(buffer.get(), &view, PyBUF_WRITABLE) < 0) {
    return fail(transport, "Fatal read error on socket transport") ? bytes.size() : 0;
  }
  const std::size_t count = std::min(bytes.size(), static_cast<std::size_t>(view.len));
  std::memcpy(view.buf, bytes.data(), count);
  PyBuffer_Release(&view);
  const py::Ref size = py::Ref::steal(PyLong_FromSize_t(count));
  const py::Ref done =
      size ? py::Ref::steal(PyObject_CallMethodOneArg(protocol, buffer_updated_.get(), size.get()))
           : py::Ref();
  const bool going = done || fail(transport, "Fatal error: protocol.buffer_updated() call failed.");
  return going ? count : 0;
}

bool StreamCalls::end(PyObject* transport, int error) const {
  if (error != 0) {
    errno = error;
    PyErr_SetFromErrno(PyExc_OSError);
    return fail(transport, "Fatal read error on socket transport");
  }
  return static_cast<bool>(
      py::Ref::steal(PyObject_CallMethodNoArgs(transport, end_reading_.get())));
}

py::Ref StreamCalls::read_ready_of(PyObject* transport) const {
  return py::Ref::steal(PyObject_GetAttr(transport, read_ready_.get()));
}

PyObject* StreamCalls::write(PyObject* transport, PyObject* data) const {
  if (!may_send(transport)) {
    return PyErr_Occurred() != nullptr ? nullptr : write_slowly(transport, data);
  }
  ssize_t sent = 0;
  {
    const Piece piece(data);
    const int fd = piece.size() > 0 ? descriptor_of(transport) : -1;
    if (fd == -1) {
      return PyErr_Occurred() != nullptr ? nullptr : write_slowly(transport, data);
    }
    sent = ::send(fd, piece.data(), static_cast<std::size_t>(piece.size()), MSG_NOSIGNAL);
    if (sent == piece.size()) {
      Py_RETURN_NONE;
    }
  }
  if (sent < 0 && !may_come_later(errno)) {
    PyErr_SetFromErrno(PyExc_OSError);
    return fail(transport, "Fatal write error on socket transport") ? Py_NewRef(Py_None) : nullptr;
  }
  if (sent <= 0) {
    return write_slowly(transport, data);
  }
  const py::Ref view = py::Ref::steal(PyMemoryView_FromObject(data));
  const py::Ref bytes =
      view ? py::Ref::steal(PyObject_CallMethod(view.get(), "cast", "s", "B")) : py::Ref();
  const py::Ref rest =
      bytes ? py::Ref::steal(PySequence_GetSlice(bytes.get(), sent, PY_SSIZE_T_MAX)) : py::Ref();
  return rest ? write_slowly(transport, rest.get()) : nullptr;
}

/// Whether nothing is in the way of sending at once. False also with an exception set.
bool StreamCalls::may_send(PyObject* transport) const {
  PyObject* buffer = slot(transport, buffer_);
  return slot(transport, empty_waiter_) == Py_None && slot(transport, eof_) == Py_False &&
         slot(transport, conn_lost_) == zero_.get() && buffer != nullptr &&
         PyObject_Size(buffer) == 0;
}

/// As asyncio does it: refusals, warnings, the buffer.
PyObject* StreamCalls::write_slowly(PyObject* transport, PyObject* data) const {
  return PyObject_CallMethodOneArg(transport, asyncio_write_.get(), data);
}

/// The pending exception ends the transport, unless it is one that ends the program: false then,
/// with an exception set.
bool StreamCalls::fail(PyObject* transport, const char* message) const {
  if (py::ends_program(PyErr_Occurred())) {
    return false;
  }
  const py::Ref exception = py::fetch_exception();
  const py::Ref text = py::Ref::steal(PyUnicode_FromString(message));
  PyObject* arguments[] = {transport, exception.get(), text.get()};
  return text &&
         py::Ref::steal(PyObject_VectorcallMethod(fail_transport_.get(), arguments, 3, nullptr));
}

int StreamCalls::descriptor_of(PyObject* transport) const {
  PyObject* sock = slot(transport, sock_);
  const py::Ref number = sock != nullptr && sock != Py_None
                             ? py::Ref::steal(PyObject_CallMethodNoArgs(sock, fileno_.get()))
                             : py::Ref();
  return number ? static_cast<int>(PyLong_AsLong(number.get())) : -1;
}

}  // namespace ringhorn::loop
