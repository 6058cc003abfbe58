#include <ringhorn/worker/worker.hpp>

#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <ringhorn/asgi/http_application.hpp>
#include <ringhorn/asgi/lifespan.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/loop/event_loop.hpp>
#include <ringhorn/net/server.hpp>
#include <ringhorn/py/error.hpp>
#include <ringhorn/py/importer.hpp>
#include <ringhorn/py/source.hpp>
#include <ringhorn/sock/listen.hpp>
#include <ringhorn/telemetry/banner.hpp>

#include "finish_source.hpp"
#include "settings.hpp"
#include "signals.hpp"

namespace ringhorn::worker {

namespace {

/// How long tasks that were cancelled may take to end, when they were told to be gone already.
constexpr double cancel_seconds = 2;

/// A timer that calls a function.
class Alarm final : public io::Timer {
 public:
  explicit Alarm(std::function<void()> ring) : ring_(std::move(ring)) {}

 private:
  void on_expired() override { ring_(); }
  std::function<void()> ring_;
};

/// Access lines leave once per turn of the loop.
class LogFlush final : public io::FlushHook {
 public:
  explicit LogFlush(telemetry::Log& log) : log_(log) {}
  void on_flush() override { log_.flush(); }

 private:
  telemetry::Log& log_;
};

class Worker {
 public:
  Worker(const config::Options& options, telemetry::Log& log, const Surroundings& surroundings)
      : options_(options), log_(log), surroundings_(surroundings), log_flush_(log) {}
  ~Worker() { release(); }

  Outcome run();

 private:
  bool make_loop();
  bool load();
  bool start_up();
  bool listen();
  void serve();
  void drain();
  void stop_when_quiet();
  void cancel_left(io::Timer& last);
  void shut_down();
  void release();
  void print_live_counts();

  py::Ref await(py::Ref coroutine);
  void run_loop();
  void stop_loop();
  void take_interrupt();
  bool fail_start(std::string_view reason);
  bool fail_python();

  const config::Options& options_;
  telemetry::Log& log_;
  const Surroundings& surroundings_;
  LogFlush log_flush_;
  Outcome outcome_{exit_stopped, false};
  bool draining_ = false;
  std::unique_ptr<io::Driver> driver_;
  std::unique_ptr<loop::EventLoop> loop_;
  Signals signals_;
  py::Ref glue_;
  py::Ref app_;
  std::unique_ptr<asgi::Lifespan> lifespan_;
  std::unique_ptr<asgi::HttpApplication> application_;
  std::unique_ptr<net::Server> server_;
  sock::Address address_;
};

Outcome Worker::run() {
  if (make_loop() && load() && start_up() && listen()) {
    serve();
    drain();
    shut_down();
  }
  release();
  return outcome_;
}

bool Worker::make_loop() {
  auto driver = io::make_uring_driver({});
  if (!driver) {
    return fail_start(driver.error());
  }
  driver_ = driver.take_value();
  driver_->add_flush_hook(log_flush_);
  auto loop = loop::EventLoop::make(*driver_);
  if (!loop) {
    return fail_start(loop.error());
  }
  loop_ = loop.take_value();
  glue_ = py::run_source("ringhorn.finish", py::finish_source);
  const bool ready = glue_ && signals_.install(loop_->object(), [this] { stop_loop(); });
  return ready || fail_python();
}

bool Worker::load() {
  auto imported =
      py::import_app({options_.app, options_.app_dir, options_.factory, loop_->object()});
  if (signals_.interrupted()) {
    outcome_ = {exit_signal_base + signals_.received(), true};
    return false;
  }
  if (!imported) {
    const bool traceback = imported.error().find('\n') != std::string::npos;
    return fail_start((traceback ? "Error loading ASGI app.\n" : "Error loading ASGI app. ") +
                      imported.error());
  }
  if (!imported.value().warning.empty()) {
    log_.warning(imported.value().warning);
  }
  app_ = std::move(imported.value().app);
  return true;
}

bool Worker::start_up() {
  log_.info(telemetry::started_server_process(::getpid(), log_));
  auto lifespan = asgi::Lifespan::make(app_.get(), make_lifespan_mode(options_.lifespan), log_);
  if (!lifespan) {
    return fail_start(lifespan.error());
  }
  lifespan_ = lifespan.take_value();
  log_.info(telemetry::waiting_for_application_startup);
  const py::Ref started = await(lifespan_->startup());
  if (started.get() != Py_True) {
    return started ? fail_start(telemetry::application_startup_failed) : fail_python();
  }
  log_.info(telemetry::application_startup_complete);
  const py::Ref state = lifespan_->state();
  auto application =
      asgi::HttpApplication::make(*loop_, log_, {app_.get(), state.get(), options_.root_path});
  if (!application) {
    return fail_start(application.error());
  }
  application_ = application.take_value();
  return true;
}

bool Worker::listen() {
  auto socket = sock::bind_tcp({options_.host, options_.port, options_.backlog});
  if (!socket) {
    shut_down();
    return fail_start(socket.error());
  }
  const auto listening = sock::listen(socket.value().value(), options_.backlog);
  if (!listening) {
    shut_down();
    return fail_start(listening.error());
  }
  address_ = sock::local_address(socket.value().value());
  server_ =
      std::make_unique<net::Server>(*driver_, *application_, log_, make_net_settings(options_));
  server_->listen(socket.take_value(), address_);
  return true;
}

/// Until a signal asks to stop.
void Worker::serve() {
  signals_.allow_graceful();
  // What is loaded by now stays: the collector need not look at it again and again.
  const py::Ref gc = py::Ref::steal(PyImport_ImportModule("gc"));
  if (!gc || !py::Ref::steal(PyObject_CallMethod(gc.get(), "freeze", nullptr))) {
    PyErr_Clear();
  }
  server_->start();
  log_.info(telemetry::running_on(address_.host, address_.port, log_));
  run_loop();
}

/// Until the last response is out and the last call of the application has ended, or the time for
/// that is over.
void Worker::drain() {
  if (signals_.interrupted()) {
    return;
  }
  log_.info(telemetry::shutting_down);
  draining_ = true;
  application_->on_task_ended([this] { stop_when_quiet(); });
  server_->drain([this] { stop_when_quiet(); });
  Alarm last([this] {
    server_->abort_all();
    stop_loop();
  });
  Alarm deadline([this, &last] { cancel_left(last); });
  if (options_.timeout_graceful_shutdown) {
    driver_->timers().arm(deadline,
                          base::monotonic_ns() + to_ns(*options_.timeout_graceful_shutdown));
  }
  if (server_->connection_count() > 0) {
    log_.info(telemetry::waiting_for_connections);
  }
  if (!server_->idle() || application_->running_count() > 0) {
    run_loop();
  }
  draining_ = false;
  driver_->timers().disarm(deadline);
  driver_->timers().disarm(last);
}

void Worker::stop_when_quiet() {
  if (draining_ && server_->idle() && application_->running_count() == 0) {
    stop_loop();
  }
}

/// The time for a graceful end is over: what was cancelled has until `last` to end.
void Worker::cancel_left(io::Timer& last) {
  log_.error(telemetry::cancelled_tasks(application_->cancel_all()));
  driver_->timers().arm(last, base::monotonic_ns() + to_ns(cancel_seconds));
}

void Worker::shut_down() {
  if (signals_.interrupted() || !lifespan_) {
    return;
  }
  log_.info(telemetry::waiting_for_application_shutdown);
  const py::Ref limit =
      options_.timeout_graceful_shutdown
          ? py::Ref::steal(PyFloat_FromDouble(*options_.timeout_graceful_shutdown))
          : py::Ref::borrow(Py_None);
  const py::Ref coroutine = lifespan_->shutdown();
  const py::Ref ended = await(py::Ref::steal(
      PyObject_CallMethod(glue_.get(), "bounded", "OO", coroutine.get(), limit.get())));
  if (ended.get() == Py_True) {
    log_.info(telemetry::application_shutdown_complete);
  } else if (!signals_.interrupted()) {
    log_.error(ended.get() == Py_None ? "Application shutdown did not end in time. Exiting."
                                      : telemetry::application_shutdown_failed);
  }
}

/// Takes everything down, in the order in which it depends on each other.
void Worker::release() {
  if (!loop_) {
    return;
  }
  if (server_) {
    server_->abort_all();
    while (!server_->idle()) {
      driver_->wait(base::ns_per_s);
      driver_->dispatch();
    }
  }
  if (!signals_.interrupted()) {
    await(py::Ref::steal(PyObject_CallMethod(glue_.get(), "finish", "d", cancel_seconds)));
  }
  if (server_) {
    log_.info(telemetry::finished_server_process(::getpid(), log_));
  }
  if (signals_.interrupted()) {
    outcome_ = {exit_signal_base + signals_.received(), true};
  }
  signals_.restore();
  lifespan_.reset();
  app_.reset();
  glue_.reset();
  loop_->close();
  if (surroundings_.print_live_counts) {
    print_live_counts();
  }
  server_.reset();
  application_.reset();
  loop_.reset();
  driver_.reset();
}

/// What is alive when nothing may be: the tests look at it.
void Worker::print_live_counts() {
  const py::Ref gc = py::Ref::steal(PyImport_ImportModule("gc"));
  if (!gc || !py::Ref::steal(PyObject_CallMethod(gc.get(), "collect", nullptr))) {
    PyErr_Clear();
  }
  const std::size_t connections = server_ ? server_->connection_count() : 0;
  const std::size_t exchanges = server_ ? server_->exchange_count() : 0;
  const std::size_t cycles = application_ ? application_->live_count() : 0;
  log_.critical("live objects: connections " + std::to_string(connections) + ", exchanges " +
                std::to_string(exchanges) + ", cycles " + std::to_string(cycles) + ", handles " +
                std::to_string(loop_->handle_count()));
}

/// Runs the loop until `coroutine` has ended: its result, or empty after an error was dealt with.
py::Ref Worker::await(py::Ref coroutine) {
  py::Ref result = coroutine ? py::Ref::steal(PyObject_CallMethod(
                                   loop_->object(), "run_until_complete", "O", coroutine.get()))
                             : py::Ref();
  if (!result) {
    take_interrupt();
  }
  return result;
}

void Worker::run_loop() {
  const py::Ref done = py::Ref::steal(PyObject_CallMethod(loop_->object(), "run_forever", nullptr));
  if (!done) {
    take_interrupt();
  }
}

void Worker::stop_loop() {
  const py::Ref done = py::Ref::steal(PyObject_CallMethod(loop_->object(), "stop", nullptr));
  if (!done) {
    PyErr_Clear();
  }
}

/// What came out of the loop: a signal's interrupt, or one that the application raised.
void Worker::take_interrupt() {
  const py::Ref exception = py::fetch_exception();
  if (exception && !signals_.interrupted()) {
    log_.error("The application stopped the server:\n" + py::format_exception(exception.get()));
    outcome_.status = exit_app_interrupt;
  }
}

bool Worker::fail_start(std::string_view reason) {
  log_.error(reason);
  outcome_.status = exit_startup_failed;
  return false;
}

bool Worker::fail_python() {
  const py::Ref exception = py::fetch_exception();
  return fail_start(exception ? py::format_exception(exception.get())
                              : std::string(telemetry::application_startup_failed));
}

}  // namespace

Outcome run(const config::Options& options, telemetry::Log& log, const Surroundings& surroundings) {
  Worker worker(options, log, surroundings);
  return worker.run();
}

}  // namespace ringhorn::worker
