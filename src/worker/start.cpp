// From nothing to a worker that listens.
#include <unistd.h>

#include <string>
#include <utility>

#include <ringhorn/io/backend.hpp>
#include <ringhorn/py/error.hpp>
#include <ringhorn/py/importer.hpp>
#include <ringhorn/py/source.hpp>
#include <ringhorn/telemetry/banner.hpp>

#include "finish_source.hpp"
#include "load.hpp"
#include "settings.hpp"
#include "worker.hpp"

namespace ringhorn::worker {

bool Worker::make_loop() {
  auto made = io::make_driver(make_backend(options_.io));
  if (!made) {
    return fail_start(made.error());
  }
  driver_ = std::move(made.value().driver);
  if (const std::string& reason = made.value().reason; !reason.empty()) {
    log_.info(telemetry::using_epoll(reason));
  }
  driver_->add_flush_hook(log_flush_);
  // The loop's factory may be the application's own.
  if (surroundings_.app == nullptr && !py::put_in_front(options_.app_dir)) {
    return fail_python();
  }
  auto loop = loop::EventLoop::make(*driver_, options_.loop);
  if (!loop) {
    return fail_start(loop.error());
  }
  loop_ = loop.take_value();
  glue_ = py::run_source("ringhorn.finish", py::finish_source);
  if (surroundings_.supervision && !show_stacks_on_abort()) {
    return fail_python();
  }
  const bool ready = glue_ && signals_.install(loop_->object(), [this] { on_stop_signal(); });
  return ready || fail_python();
}

bool Worker::load() {
  if (surroundings_.app != nullptr) {
    app_ = py::Ref::borrow(surroundings_.app);
    return true;
  }
  // What is checked without a template is imported as one would do it.
  auto loaded = load_app(options_, options_.preload ? nullptr : loop_->object(), log_);
  if (signals_.interrupted()) {
    outcome_ = {exit_signal_base + signals_.received(), true};
    return false;
  }
  if (!loaded) {
    return fail_start(loaded.error());
  }
  app_ = loaded.take_value();
  return true;
}

bool Worker::start_up() {
  log_.info(telemetry::started_server_process(::getpid(), log_));
  auto lifespan = asgi::Lifespan::make(app_.get(), make_lifespan_mode(options_.lifespan), log_);
  if (!lifespan) {
    return fail_start(lifespan.error());
  }
  lifespan_ = lifespan.take_value();
  root_ = py::Ref::steal(PyObject_CallMethod(glue_.get(), "start_root", "O", loop_->object()));
  if (!root_) {
    return fail_python();
  }
  tell_lifespan(telemetry::waiting_for_application_startup);
  const py::Ref started = await(lifespan_->startup());
  if (started.get() != Py_True) {
    return started ? fail_start(telemetry::application_startup_failed) : fail_python();
  }
  tell_lifespan(telemetry::application_startup_complete);
  const py::Ref state = lifespan_->state();
  auto application = asgi::Application::make(*loop_, log_,
                                             {app_.get(), state.get(), options_.root_path,
                                              options_.ws_max_queue, options_.ws_max_queue_bytes});
  if (!application) {
    return fail_start(application.error());
  }
  application_ = application.take_value();
  return true;
}

bool Worker::listen() {
  auto opened = surroundings_.open_listeners();
  if (!opened) {
    shut_down();
    return fail_start(opened.error());
  }
  listeners_ = opened.take_value();
  net::Settings settings = make_net_settings(options_);
  if (const auto& supervision = surroundings_.supervision) {
    settings.sharing = net::Sharing::shared;
    if (options_.balance == config::Balance::shared) {
      settings.peers = {supervision->board, supervision->entry};
    }
  }
  server_ = std::make_unique<net::Server>(*driver_, *application_, log_, settings);
  for (sock::Listening& listening : listeners_) {
    server_->listen(std::move(listening.socket), listening.address, listening.hold);
  }
  if (surroundings_.supervision) {
    make_link();
  }
  return true;
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

}  // namespace ringhorn::worker
