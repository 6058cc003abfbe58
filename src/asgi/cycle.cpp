#include "cycle.hpp"

#include <ringhorn/py/error.hpp>

namespace ringhorn::asgi {

Cycle::Cycle(Bridge& bridge) : bridge_(&bridge) {
  bridge.cycles.push_back(*this);
  ++bridge.cycle_count;
}

Cycle::~Cycle() {
  if (bridge_ != nullptr) {
    --bridge_->cycle_count;
  }
}

void Cycle::detach_bridge() noexcept {
  unlink();
  bridge_ = nullptr;
}

PyObject* Cycle::receive(PyObject* self) {
  if (bridge_ == nullptr) {
    return raise_disconnected();
  }
  return Awaitable::make_wait(*bridge_, Awaitable::Kind::receive, self, *this);
}

PyObject* Cycle::raise_disconnected() {
  if (bridge_ == nullptr) {
    PyErr_SetString(PyExc_OSError, "the server has stopped");
  } else {
    PyErr_SetString(bridge_->disconnect_error.get(), "the client has disconnected");
  }
  return nullptr;
}

void Cycle::add_waiter(Awaitable& waiter, Awaitable::Kind kind) {
  if (kind == Awaitable::Kind::writable) {
    writers_.push_back(waiter);
    return;
  }
  receivers_.push_back(waiter);
  await_message();
}

void Cycle::wake_receivers() {
  while (Awaitable* waiter = receivers_.pop_front()) {
    waiter->wake();
  }
}

void Cycle::wake_writers() {
  while (Awaitable* waiter = writers_.pop_front()) {
    waiter->wake();
  }
}

void Cycle::on_returned(PyObject* result) {
  if (bridge_ != nullptr) {
    bridge_->end_if_forked();
    complain_of_result(result);
  }
  end_call(CallEnd::returned);
}

void Cycle::on_raised(PyObject* exception) {
  if (PyErr_GivenExceptionMatches(exception, PyExc_SystemExit) != 0 &&
      PyObject_SetAttrString(exception, answered_mark, Py_True) < 0) {
    PyErr_Clear();
  }
  if (bridge_ != nullptr) {
    const bool meant_to_end = PyErr_GivenExceptionMatches(exception, PyExc_Exception) == 0;
    bridge_->end_if_forked(meant_to_end ? exception : nullptr);
    complain_of_exception(exception);
  }
  end_call(CallEnd::raised);
}

void Cycle::end_call(CallEnd end) {
  const py::Ref task = std::move(task_);
  if (bridge_ == nullptr) {
    return;
  }
  on_call_ended(end);
  if (task && bridge_->on_task_ended) {
    bridge_->on_task_ended();
  }
}

void Cycle::complain_of_result(PyObject* result) {
  if (result != Py_None) {
    bridge_->log.error("ASGI callable should return None, but returned '" + py::to_string(result) +
                       "'.");
  }
}

void Cycle::complain_of_exception(PyObject* exception) {
  if (!bridge_->is_disconnect(exception) && !bridge_->is_cancelled_by_us(exception)) {
    bridge_->log.error("Exception in ASGI application\n" + py::format_exception(exception));
  }
}

}  // namespace ringhorn::asgi
