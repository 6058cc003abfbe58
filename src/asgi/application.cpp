#include <ringhorn/asgi/application.hpp>

#include <ringhorn/net/exchange.hpp>
#include <ringhorn/py/error.hpp>
#include <ringhorn/py/forked.hpp>
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
  void watch(py::Ref task, PyObject* send);
  void stop_worker();

  Bridge bridge;
  ScopeBuilder scopes;
  py::Ref call_app;   ///< the application, or its bound __call__: one call less per request
  py::Ref drive;      ///< awaits what is no coroutine
  py::Ref interrupt;  ///< raises its argument, out of the loop
  py::Ref task_name;
};

namespace {

/// The attribute of a SystemExit that a call has ended with and that was dealt with: uvloop raises
/// it only then.
constexpr const char* answered_mark = "__ringhorn_answered__";

/// The task of a cycle has ended: tell the cycle how.
void settle(PyObject* send, PyObject* task, const Bridge& bridge) {
  Cycle& cycle = cycle_of(send);
  const py::Ref result = py::Ref::steal(PyObject_CallOneArg(bridge.task_result.get(), task));
  if (result) {
    cycle.on_returned(result.get());
  } else {
    const py::Ref exception = py::fetch_exception();
    if (PyErr_GivenExceptionMatches(exception.get(), PyExc_SystemExit) != 0 &&
        PyObject_SetAttrString(exception.get(), answered_mark, Py_True) < 0) {
      PyErr_Clear();
    }
    cycle.on_raised(exception.get());
  }
}

PyObject* on_task_done(PyObject* send, PyObject* task) {
  Cycle& cycle = cycle_of(send);
  if (cycle.bridge() == nullptr) {
    cycle.drop_task();
  } else {
    Bridge& bridge = *cycle.bridge();
    settle(send, task, bridge);
    if (bridge.on_task_ended) {
      bridge.on_task_ended();
    }
  }
  Py_RETURN_NONE;
}

PyMethodDef task_done_method = {"request_done", on_task_done, METH_O, nullptr};

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

/// Runs the first step of a call. `scope` may be empty, with an exception set.
void Application::State::start(PyObject* send, const py::Ref& scope) {
  py::Ref coroutine = call(send, scope);
  py::Ref task = coroutine ? bridge.loop.start_task(coroutine.get(), task_name.get()) : py::Ref();
  if (bridge.loop.driver().inherited()) {
    py::end_forked_child();
  }
  if (task) {
    watch(std::move(task), send);
    return;
  }
  py::Ref exception = py::fetch_exception();
  cycle_of(send).on_raised(exception.get());
  if (PyErr_GivenExceptionMatches(exception.get(), PyExc_Exception) == 0 &&
      PyErr_GivenExceptionMatches(exception.get(), PyExc_SystemExit) == 0) {
    py::raise(std::move(exception));
    stop_worker();
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

void Application::State::watch(py::Ref task, PyObject* send) {
  const py::Ref done = py::Ref::steal(PyObject_CallOneArg(bridge.task_done.get(), task.get()));
  if (done.get() == Py_True) {
    settle(send, task.get(), bridge);
    return;
  }
  const py::Ref callback = py::Ref::steal(PyCFunction_New(&task_done_method, send));
  PyObject* arguments[] = {nullptr, task.get(), callback.get(), bridge.context.get()};
  const py::Ref added = callback
                            ? py::Ref::steal(PyObject_Vectorcall(
                                  bridge.task_add_done_callback.get(), arguments + 1,
                                  2 | PY_VECTORCALL_ARGUMENTS_OFFSET, bridge.context_keyword.get()))
                            : py::Ref();
  if (!added) {
    cycle_of(send).on_raised(py::fetch_exception().get());
    return;
  }
  cycle_of(send).hold_task(std::move(task));
}

/// KeyboardInterrupt is no failure of the application: it ends the worker, as it would end any
/// asyncio program. A dispatch cannot raise it; a callback of the loop can.
void Application::State::stop_worker() {
  const py::Ref exception = py::fetch_exception();
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
  if (PyObject_HasAttrString(exception, answered_mark) != 0) {
    return true;
  }
  Bridge& bridge = state_->bridge;
  for (Cycle* cycle = bridge.cycles.front(); cycle != nullptr;
       cycle = bridge.cycles.after(*cycle)) {
    if (cycle->task() != nullptr) {
      const py::Ref own = py::Ref::steal(PyObject_GetAttrString(cycle->task(), "_exception"));
      if (own.get() == exception) {
        return true;
      }
      PyErr_Clear();
    }
  }
  return false;
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
