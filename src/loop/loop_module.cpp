#include <ringhorn/loop/loop_module.hpp>

#include <ringhorn/py/ref.hpp>

#include "types.hpp"

namespace ringhorn::loop {

namespace {

PyObject* new_event_loop(PyObject*, PyObject*) {
  const py::Ref types = Types::find_or_make();
  return types ? PyObject_CallNoArgs(Types::of(types).loop_class.get()) : nullptr;
}

PyMethodDef module_functions[] = {
    {"new_event_loop", new_event_loop, METH_NOARGS,
     "new_event_loop(): an asyncio event loop on io_uring, for asyncio.Runner(loop_factory=…)."},
    {},
};

}  // namespace

int add_to_module(PyObject* module) {
  const py::Ref reference = Types::find_or_make();
  if (!reference || PyModule_AddFunctions(module, module_functions) < 0) {
    return -1;
  }
  const Types& types = Types::of(reference);
  const bool added =
      PyModule_AddObjectRef(module, "EventLoop", types.loop_class.get()) == 0 &&
      PyModule_AddObjectRef(module, "Handle", types.handle_type.get()) == 0 &&
      PyModule_AddObjectRef(module, "TimerHandle", types.timer_handle_type.get()) == 0;
  return added ? 0 : -1;
}

}  // namespace ringhorn::loop
