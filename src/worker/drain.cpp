// From the signal to stop to the end of a worker.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include <ringhorn/telemetry/banner.hpp>

#include "settings.hpp"
#include "worker.hpp"

namespace ringhorn::worker {

namespace {
/// Idle connections go at once, as a rule: nobody needs to hear of a wait for them (uvicorn's).
constexpr base::Nanoseconds told_after_ns = 100 * base::ns_per_ms;
}  // namespace

/// Serves on for a while, so that load balancers see the end coming and look away first. Who
/// presses Ctrl+C does not wait; another signal cuts it short. Under a supervisor it is the one
/// that waits.
void Worker::announce() {
  if (link_ || options_.drain_delay == 0 || signals_.received() != SIGTERM ||
      signals_.interrupted()) {
    return;
  }
  log_.info("Shutting down soon: serving on while health checks are told so.");
  server_->announce_drain();
  signals_.allow_another();
  Alarm end([this] { stop_loop(); });
  driver_->timers().arm(end, base::monotonic_ns() + to_ns(options_.drain_delay));
  run_loop();
  driver_->timers().disarm(end);
}

/// Until the last response is out and the last call of the application has ended, or the time for
/// that is over.
void Worker::drain() {
  if (signals_.interrupted()) {
    return;
  }
  log_.info(telemetry::shutting_down);
  if (surroundings_.manager != nullptr) {
    surroundings_.manager->stopping();
  }
  draining_ = true;
  drained_ns_ = base::monotonic_ns();
  application_->on_task_ended([this] { stop_when_quiet(); });
  server_->drain(drain_, [this] { stop_when_quiet(); });
  io::TimerQueue& timers = driver_->timers();
  if (options_.timeout_drain > 0) {
    timers.arm(streams_, drained_ns_ + to_ns(options_.timeout_drain));
  }
  if (const auto limit = grace()) {
    timers.arm(cancel_, drained_ns_ + to_ns(seconds_to_cancel(*limit)));
  }
  if (hurried_) {
    hurry();
  }
  timers.arm(wait_is_long_, drained_ns_ + told_after_ns);
  if (!server_->idle() || application_->running_count() > 0) {
    run_loop();
  }
  draining_ = false;
  timers.disarm(wait_is_long_);
  timers.disarm(streams_);
  timers.disarm(cancel_);
  timers.disarm(cut_);
}

void Worker::stop_when_quiet() {
  if (draining_ && server_->idle() && application_->running_count() == 0) {
    stop_loop();
  }
}

void Worker::tell_of_connections() {
  if (server_->connection_count() > 0) {
    log_.info(telemetry::waiting_for_connections);
  }
}

void Worker::end_streams() {
  server_->hurry();
  // A connection that was kept may have brought another one since.
  driver_->timers().arm(streams_, base::monotonic_ns() + base::ns_per_s);
}

void Worker::cancel_left() {
  log_.error(telemetry::cancelled_tasks(application_->cancel_all()));
  driver_->timers().arm(cut_, base::monotonic_ns() + to_ns(cancel_seconds));
}

void Worker::cut_all() {
  server_->abort_all();
  stop_loop();
}

/// Nobody waits for anything any more.
void Worker::hurry() {
  hurried_ = true;
  if (draining_) {
    end_streams();
    driver_->timers().disarm(cancel_);
    cancel_left();
  }
}

std::optional<double> Worker::grace() const {
  return link_ ? config::grace_under_supervisor(options_) : options_.timeout_graceful_shutdown;
}

/// A supervisor kills when the grace is over: the last of it is for those who are cancelled, and
/// for the application's shutdown. Alone there is nobody who kills, and the grace is uvicorn's.
double Worker::seconds_to_cancel(double grace) const {
  constexpr double reserve_max = 5;
  return link_ ? grace - std::min(grace / 4, reserve_max) : grace;
}

std::optional<double> Worker::seconds_to_shut_down() const {
  const auto limit = grace();
  if (!link_ || !limit) {
    return limit;
  }
  constexpr double margin = 0.5;
  const double gone =
      static_cast<double>(base::monotonic_ns() - drained_ns_) / static_cast<double>(base::ns_per_s);
  return std::max(margin, *limit - gone - margin);
}

/// Of what is not spoken nothing is told.
void Worker::tell_lifespan(std::string_view text) {
  if (options_.lifespan != config::Lifespan::off) {
    log_.info(text);
  }
}

void Worker::shut_down() {
  if (signals_.interrupted() || !lifespan_) {
    return;
  }
  tell_lifespan(telemetry::waiting_for_application_shutdown);
  const auto seconds = server_ ? seconds_to_shut_down() : grace();
  const py::Ref limit =
      seconds ? py::Ref::steal(PyFloat_FromDouble(*seconds)) : py::Ref::borrow(Py_None);
  const py::Ref coroutine = lifespan_->shutdown();
  const py::Ref ended = await(py::Ref::steal(
      PyObject_CallMethod(glue_.get(), "bounded", "OO", coroutine.get(), limit.get())));
  if (ended.get() == Py_True) {
    tell_lifespan(telemetry::application_shutdown_complete);
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
  if (watchdog_) {
    driver_->timers().disarm(*watchdog_);
  }
  if (!signals_.interrupted()) {
    await(py::Ref::steal(PyObject_CallMethod(glue_.get(), "finish", "d", cancel_seconds)));
  }
  for (const sock::Listening& listening : listeners_) {
    sock::remove_file(listening);
  }
  if (server_) {
    log_.info(telemetry::finished_server_process(::getpid(), log_));
  }
  if (signals_.interrupted()) {
    outcome_ = {exit_signal_base + signals_.received(), true};
  }
  if (link_) {
    link_->close();
    while (!link_->closed()) {
      driver_->wait(base::ns_per_s);
      driver_->dispatch();
    }
  }
  signals_.restore();
  lifespan_.reset();
  app_.reset();
  root_.reset();
  glue_.reset();
  loop_->close();
  if (surroundings_.print_live_counts) {
    print_live_counts();
  }
  link_.reset();
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

}  // namespace ringhorn::worker
