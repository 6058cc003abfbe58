#include <ringhorn/asgi/application.hpp>

#include <ringhorn/net/exchange.hpp>
#include <ringhorn/py/error.hpp>
#include <ringhorn/py/source.hpp>

#include "bridge.hpp"
#include "callables.hpp"
#include "cycle.hpp"
#include "drive_source.hpp"
#include "scope.hpp"

namespace ringhorn::asgi {

struct Application::State {
  State(loop::EventLoop& loop, telemetry::Log& log, const Options& options)
      : bridge(loop, log, options.root_path), scopes(bridge) {
    bridge.queue_count_max = options.queue_count_max;
    bridge.queue_bytes_max = options.queue_bytes_max;
  }

  bool prepare(const Options& options);
  void start(PyObject* send, const py::Ref& scope);
  py::Ref call(PyObject* send, const py::Ref& scope);
  py::Ref as_coroutine(py::Ref awaitable);
  void pass_on(const py::Ref& exception);

  Bridge bridge;
  ScopeBuilder scopes;
  py::Ref call_app;   ///< the application, or its bound __call__: one call less per request
  py::Ref drive;      ///< awaits what is no coroutine
  py::Ref interrupt;  ///< raises its argument, out of the loop
  py::Ref task_name;
};

namespace {

/// `app.__call__` bound to `app`, when its class defines it in Python: calling that skips the slot
/// that would bind it anew for each request.
py::Ref bind_call(PyObject* app) {
  if (!PyFunction_Check(app) && !PyType_Check(app)) {
    const py::Ref function = py::Ref::steal(
        PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(app)), "__call__"));
    if (function && PyFunction_Check(function.get())) {
      return py::Ref::steal(PyMethod_New(function.get(), app));
    }
    PyErr_Clear();
  }
  return py::Ref::borrow(app);
}

}  // namespace

base::Result<std::unique_ptr<Application>, std::string> Application::make(loop::EventLoop& loop,
                                                                          telemetry::Log& log,
                                                                          const Options& options) {
  auto state = std::make_unique<State>(loop, log, options);
  if (!state->prepare(options)) {
    return base::Failure{py::format_exception(py::fetch_exception().get())};
  }
  return std::unique_ptr<Application>(new Application(std::move(state)));
}

Application::Application(std::unique_ptr<State> state) : state_(std::move(state)) {}
Application::~Application() = default;

bool Application::State::prepare(const Options& options) {
  const py::Ref glue = py::run_source("ringhorn.drive", py::drive_source);
  if (!glue || !bridge.prepare() || !scopes.prepare(options.state, options.root_path)) {
    return false;
  }
  drive = py::Ref::steal(PyObject_GetAttrString(glue.get(), "drive"));
  interrupt = py::Ref::steal(PyObject_GetAttrString(glue.get(), "interrupt"));
  task_name = py::Ref::steal(PyUnicode_InternFromString("ringhorn-request"));
  call_app = bind_call(options.app);
  return drive && interrupt && task_name && call_app;
}

void Application::on_request(net::Exchange& exchange) {
  State& state = *state_;
  const py::Ref send = py::Ref::steal(make_send(state.bridge, exchange));
  if (!send) {
    PyErr_Clear();
    exchange.fail();
    return;
  }
  if (exchange.head().wants_upgrade) {
    state.bridge.log.warning("Unsupported upgrade request.");
  }
  state.start(send.get(), state.scopes.make(exchange));
  state.scopes.settle();
}

void Application::on_web_socket(net::Exchange& exchange, const ws::Handshake& handshake) {
  State& state = *state_;
  const py::Ref send = py::Ref::steal(make_web_socket_send(state.bridge, exchange));
  if (!send) {
    PyErr_Clear();
    exchange.fail();
    return;
  }
  state.start(send.get(), state.scopes.make_web_socket(exchange, handshake));
}

/// Begins a call. `scope` may be empty, with an exception set.
void Application::State::start(PyObject* send, const py::Ref& scope) {
  Cycle& cycle = cycle_of(send);
  const py::Ref coroutine = call(send, scope);
  py::Ref task;
  if (coroutine) {
    task = bridge.loop.begin(coroutine.get(), task_name.get(), {send, cycle});
  } else {
    py::Ref exception = py::fetch_exception();
    cycle.on_raised(exception.get());
    py::raise(std::move(exception));
  }
  bridge.end_if_forked();
  if (task) {
    cycle.hold_task(std::move(task));
  } else if (PyErr_Occurred() != nullptr) {
    pass_on(py::fetch_exception());
  }
}

/// Calls the application: what it returned, as a coroutine; empty with an exception set.
py::Ref Application::State::call(PyObject* send, const py::Ref& scope) {
  const py::Ref receive = scope ? py::Ref::steal(make_receive(bridge, send)) : py::Ref();
  if (!receive) {
    return {};
  }
  PyObject* arguments[] = {nullptr, scope.get(), receive.get(), send};
  py::Ref returned = py::Ref::steal(PyObject_Vectorcall(
      call_app.get(), arguments + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  return as_coroutine(std::move(returned));
}

/// `await app(…)` allows any awaitable; a Task wants a coroutine.
py::Ref Application::State::as_coroutine(py::Ref awaitable) {
  if (!awaitable || PyCoro_CheckExact(awaitable.get())) {
    return awaitable;
  }
  return py::Ref::steal(PyObject_CallOneArg(drive.get(), awaitable.get()));
}

/// A call has ended with `exception`, and was told. KeyboardInterrupt is no failure of the
/// application: it ends the worker, as it would end any asyncio program. A dispatch cannot raise
/// it; a callback of the loop can.
void Application::State::pass_on(const py::Ref& exception) {
  if (PyErr_GivenExceptionMatches(exception.get(), PyExc_KeyboardInterrupt) == 0) {
    return;
  }
  const py::Ref handle = py::Ref::steal(PyObject_CallMethod(bridge.loop.object(), "call_soon", "OO",
                                                            interrupt.get(), exception.get()));
  if (!handle) {
    PyErr_Clear();
  }
}

void Application::on_task_ended(std::function<void()> on_ended) {
  state_->bridge.on_task_ended = std::move(on_ended);
}

std::size_t Application::cancel_all() {
  Bridge& bridge = state_->bridge;
  bridge.cancelling = true;
  std::size_t count = 0;
  // cancel() runs no step of the task: the list does not change under us.
  for (Cycle* cycle = bridge.cycles.front(); cycle != nullptr;
       cycle = bridge.cycles.after(*cycle)) {
    if (cycle->task() != nullptr) {
      ++count;
      const py::Ref cancelled =
          py::Ref::steal(PyObject_CallMethodNoArgs(cycle->task(), bridge.names.cancel.get()));
      if (!cancelled) {
        PyErr_Clear();
      }
    }
  }
  return count;
}

bool Application::ended_with(PyObject* exception) const {
  return PyObject_HasAttrString(exception, answered_mark) != 0;
}

std::size_t Application::running_count() const noexcept {
  std::size_t count = 0;
  for (Cycle* cycle = state_->bridge.cycles.front(); cycle != nullptr;
       cycle = state_->bridge.cycles.after(*cycle)) {
    count += cycle->task() != nullptr ? 1 : 0;
  }
  return count;
}

std::size_t Application::live_count() const noexcept {
  return state_->bridge.cycle_count;
}

}  // namespace ringhorn::asgi
