/// Preloader is the work of a template process (--preload): it imports the application, and forks a
/// worker whenever it is asked to. The workers share its memory until they write to it. No loop, no
/// ring and no lifespan are made here, and the application's threads would not live on in the
/// workers: import only. Called by the doors, with the GIL, on the main thread.
#pragma once

#include <optional>
#include <string>

#include <ringhorn/config/options.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/sock/channel.hpp>
#include <ringhorn/telemetry/log.hpp>

namespace ringhorn::worker {

/// What a worker that was forked is told.
struct Summons {
  std::string place;      ///< as the supervisor wrote it
  sock::Channel channel;  ///< to the supervisor
};

class Preloader {
 public:
  /// Both must outlive it.
  Preloader(const config::Options& options, telemetry::Log& log) : options_(options), log_(log) {}

  /// Imports the application. False after a failure, which the log tells.
  bool load();
  /// Tells the other side of `line` that workers can be had, and waits to be asked for them. Like
  /// fork(2) it returns in each of them, with a summons and `line` closed; in the template itself
  /// it returns nothing, when nobody is left who could ask. REQUIRES: load() has succeeded
  std::optional<Summons> serve(sock::Channel& line);
  /// The application, for the worker that this process has become.
  PyObject* app() const noexcept { return app_.get(); }

 private:
  bool fail_python();
  void warn_of_threads();
  bool wait(const sock::Channel& line);
  bool fork_worker(const sock::Channel& channel);
  void flush();

  const config::Options& options_;
  telemetry::Log& log_;
  py::Ref glue_;  ///< the module of preload.py
  py::Ref app_;
};

}  // namespace ringhorn::worker
