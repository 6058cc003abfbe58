#include <ringhorn/loop/event_loop.hpp>

#include <utility>

#include <ringhorn/py/error.hpp>
#include <ringhorn/py/source.hpp>

#include "choose_loop_source.hpp"
#include "foreign_loop.hpp"
#include "native_loop.hpp"
#include "types.hpp"

namespace ringhorn::loop {

namespace {

/// The Python object, and where it cannot be had an exception.
py::Ref make_object(const Types& types, const py::Ref& chooser, const std::string& choice) {
  if (choice == "auto" || choice == "ringhorn") {
    return py::Ref::steal(PyObject_CallNoArgs(types.loop_class.get()));
  }
  return py::Ref::steal(PyObject_CallMethod(chooser.get(), "make_loop", "s", choice.c_str()));
}

std::string explain(const py::Ref& chooser) {
  const py::Ref exception = py::fetch_exception();
  const py::Ref failure =
      chooser ? py::Ref::steal(PyObject_GetAttrString(chooser.get(), "LoopFailure")) : py::Ref();
  if (failure && PyObject_IsInstance(exception.get(), failure.get()) == 1) {
    return py::to_string(exception.get());
  }
  PyErr_Clear();
  return py::format_exception(exception.get());
}

}  // namespace

base::Result<std::unique_ptr<EventLoop>, std::string> EventLoop::make(io::Driver& driver,
                                                                      const std::string& choice) {
  py::Ref types = Types::find_or_make();
  const py::Ref chooser =
      types ? py::run_source("ringhorn.choose_loop", py::choose_loop_source) : py::Ref();
  py::Ref object = chooser ? make_object(Types::of(types), chooser, choice) : py::Ref();
  if (!object) {
    return base::Failure{explain(chooser)};
  }
  // Whatever the name by which it was asked for.
  const py::Ref& core_type = Types::of(types).core_type;
  if (PyObject_TypeCheck(object.get(), reinterpret_cast<PyTypeObject*>(core_type.get()))) {
    return std::unique_ptr<EventLoop>(
        std::make_unique<NativeLoop>(std::move(object), std::move(types), driver));
  }
  auto foreign = std::make_unique<ForeignLoop>(std::move(object), std::move(types), driver);
  if (!foreign->open()) {
    return base::Failure{explain(chooser)};
  }
  return std::unique_ptr<EventLoop>(std::move(foreign));
}

const Types& EventLoop::types() const noexcept {
  return Types::of(types_);
}

py::Ref EventLoop::make_future() {
  return types().make_future(object());
}

void EventLoop::close_object() {
  const py::Ref closed = py::Ref::steal(PyObject_CallMethod(object(), "close", nullptr));
  if (!closed) {
    // Nobody is left who could do something about it.
    PyErr_WriteUnraisable(object());
  }
}

}  // namespace ringhorn::loop
