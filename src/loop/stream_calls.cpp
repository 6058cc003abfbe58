#include "stream_calls.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include <ringhorn/py/error.hpp>

namespace ringhorn::loop {

namespace {

constexpr const char* capsule_name = "ringhorn.loop.stream_calls";

void free_calls(PyObject* capsule) {
  const std::unique_ptr<StreamCalls> owned(
      static_cast<StreamCalls*>(PyCapsule_GetPointer(capsule, capsule_name)));
}

StreamCalls& calls_of(PyObject* capsule) {
  return *static_cast<StreamCalls*>(PyCapsule_GetPointer(capsule, capsule_name));
}

bool intern(py::Ref& name, const char* text) {
  name = py::Ref::steal(PyUnicode_InternFromString(text));
  return static_cast<bool>(name);
}

py::Ref attribute(PyObject* object, const py::Ref& name) {
  return py::Ref::steal(PyObject_GetAttr(object, name.get()));
}

/// 1, 0, or -1 with an exception set.
int is_true(PyObject* object, const py::Ref& name) {
  const py::Ref value = attribute(object, name);
  return value ? PyObject_IsTrue(value.get()) : -1;
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

py::Ref StreamCalls::make() {
  auto calls = std::make_unique<StreamCalls>();
  if (!calls->prepare()) {
    return {};
  }
  const py::Ref capsule = py::Ref::steal(PyCapsule_New(calls.get(), capsule_name, free_calls));
  if (!capsule) {
    return {};
  }
  [[maybe_unused]] const StreamCalls* owned_by_capsule = calls.release();
  const py::Ref read_ready = py::Ref::steal(PyCFunction_New(&read_ready_method, capsule.get()));
  const py::Ref write = py::Ref::steal(PyCFunction_New(&write_method, capsule.get()));
  // Functions of C are no methods when a class has them; these are.
  const py::Ref first =
      py::Ref::steal(read_ready ? PyInstanceMethod_New(read_ready.get()) : nullptr);
  const py::Ref second = py::Ref::steal(write ? PyInstanceMethod_New(write.get()) : nullptr);
  return first && second ? py::Ref::steal(PyTuple_Pack(2, first.get(), second.get())) : py::Ref();
}

bool StreamCalls::prepare() {
  received_ = std::make_unique_for_overwrite<char[]>(receive_bytes);
  return intern(buffered_, "_buffered") && intern(conn_lost_, "_conn_lost") &&
         intern(eof_, "_eof") && intern(empty_waiter_, "_empty_waiter") &&
         intern(buffer_, "_buffer") && intern(sock_, "_sock") && intern(protocol_, "_protocol") &&
         intern(fileno_, "fileno") && intern(data_received_, "data_received") &&
         intern(fill_buffer_, "_read_ready__get_buffer") &&
         intern(end_reading_, "_read_ready__on_eof") && intern(asyncio_write_, "_asyncio_write") &&
         intern(fail_transport_, "_fail");
}

PyObject* StreamCalls::on_read_ready(PyObject* capsule, PyObject* transport) {
  return calls_of(capsule).read(transport);
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

PyObject* StreamCalls::read(PyObject* transport) {
  const int lost = is_true(transport, conn_lost_);
  if (lost != 0) {
    return lost < 0 ? nullptr : Py_NewRef(Py_None);
  }
  const int buffered = is_true(transport, buffered_);
  if (buffered != 0) {
    return buffered < 0 ? nullptr : PyObject_CallMethodNoArgs(transport, fill_buffer_.get());
  }
  const int fd = descriptor_of(transport);
  return fd == -1 && PyErr_Occurred() != nullptr ? nullptr : receive(transport, fd);
}

PyObject* StreamCalls::receive(PyObject* transport, int fd) {
  const ssize_t size = ::recv(fd, received_.get(), receive_bytes, 0);
  if (size < 0) {
    if (may_come_later(errno)) {
      Py_RETURN_NONE;
    }
    PyErr_SetFromErrno(PyExc_OSError);
    return fail(transport, "Fatal read error on socket transport");
  }
  if (size == 0) {
    return PyObject_CallMethodNoArgs(transport, end_reading_.get());
  }
  const py::Ref data = py::Ref::steal(PyBytes_FromStringAndSize(received_.get(), size));
  const py::Ref protocol = data ? attribute(transport, protocol_) : py::Ref();
  if (!protocol) {
    return nullptr;
  }
  PyObject* done = PyObject_CallMethodOneArg(protocol.get(), data_received_.get(), data.get());
  return done != nullptr ? done
                         : fail(transport, "Fatal error: protocol.data_received() call failed.");
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
    return fail(transport, "Fatal write error on socket transport");
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
  const py::Ref waiter = attribute(transport, empty_waiter_);
  return waiter && waiter.get() == Py_None && is_true(transport, eof_) == 0 &&
         is_true(transport, conn_lost_) == 0 && is_true(transport, buffer_) == 0;
}

/// As asyncio does it: refusals, warnings, the buffer.
PyObject* StreamCalls::write_slowly(PyObject* transport, PyObject* data) const {
  return PyObject_CallMethodOneArg(transport, asyncio_write_.get(), data);
}

/// The pending exception ends the transport, unless it is one that ends the program.
PyObject* StreamCalls::fail(PyObject* transport, const char* message) const {
  if (PyErr_ExceptionMatches(PyExc_SystemExit) != 0 ||
      PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) {
    return nullptr;
  }
  const py::Ref exception = py::fetch_exception();
  const py::Ref text = py::Ref::steal(PyUnicode_FromString(message));
  PyObject* arguments[] = {transport, exception.get(), text.get()};
  return text ? PyObject_VectorcallMethod(fail_transport_.get(), arguments, 3, nullptr) : nullptr;
}

/// Of the socket object, which knows when somebody has closed it: the number may be another's then.
int StreamCalls::descriptor_of(PyObject* transport) const {
  const py::Ref sock = attribute(transport, sock_);
  const py::Ref number =
      sock ? py::Ref::steal(PyObject_CallMethodNoArgs(sock.get(), fileno_.get())) : py::Ref();
  return number ? static_cast<int>(PyLong_AsLong(number.get())) : -1;
}

}  // namespace ringhorn::loop
