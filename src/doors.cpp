// What the two doors share.
#include "doors.hpp"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include <ringhorn/config/parse.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/telemetry/log.hpp>
#include <ringhorn/worker/worker.hpp>

namespace ringhorn {

namespace {

telemetry::Colors to_colors(const std::optional<bool>& use_colors) {
  if (!use_colors) {
    return telemetry::Colors::automatic;
  }
  return *use_colors ? telemetry::Colors::always : telemetry::Colors::never;
}

telemetry::Level to_level(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::critical:
      return telemetry::Level::critical;
    case config::LogLevel::error:
      return telemetry::Level::error;
    case config::LogLevel::warning:
      return telemetry::Level::warning;
    case config::LogLevel::info:
      return telemetry::Level::info;
    case config::LogLevel::debug:
      return telemetry::Level::debug;
    case config::LogLevel::trace:
      break;
  }
  return telemetry::Level::trace;
}

void flush_python() {
  for (const char* name : {"stdout", "stderr"}) {
    PyObject* stream = PySys_GetObject(name);
    if (stream != nullptr && stream != Py_None) {
      const py::Ref done = py::Ref::steal(PyObject_CallMethod(stream, "flush", nullptr));
      if (!done) {
        PyErr_Clear();
      }
    }
  }
}

telemetry::Log make_log(const config::Options& options) {
  return {to_level(options.log_level), to_colors(options.use_colors), STDERR_FILENO, STDOUT_FILENO};
}

/// What a worker is to have around it: with `assignment` of its supervisor, without alone.
worker::Surroundings surroundings_of(const config::Options& options,
                                     std::optional<supervisor::Assignment>& assignment) {
  const config::Environment environment = config::process_environment();
  worker::Surroundings surroundings;
  surroundings.print_live_counts = environment("RINGHORN_DEBUG_COUNTS").has_value();
  if (assignment) {
    surroundings.supervision = worker::Supervision{std::move(assignment->channel),
                                                   &assignment->board.entry(assignment->entry)};
    surroundings.open_listeners = [&assignment] {
      return base::Result<supervisor::Listeners, std::string>(std::move(assignment->listeners));
    };
  } else {
    surroundings.open_listeners = [&options, environment] {
      return supervisor::open_listeners(options, supervisor::activated_descriptors(environment));
    };
  }
  return surroundings;
}

}  // namespace

std::optional<config::Options> read_options(const std::vector<std::string>& arguments,
                                            int& status) {
  auto options = config::parse(arguments, config::process_environment(), PY_VERSION,
                               config::process_variable_names());
  if (options) {
    return options.take_value();
  }
  status = options.error().status;
  std::FILE* stream = status == 0 ? stdout : stderr;
  std::fwrite(options.error().text.data(), 1, options.error().text.size(), stream);
  std::fflush(stream);
  return std::nullopt;
}

int serve(const config::Options& options, std::optional<supervisor::Assignment> assignment) {
  worker::Outcome outcome{};
  {
    telemetry::Log log = make_log(options);
    outcome = worker::run(options, log, surroundings_of(options, assignment));
  }
  if (outcome.at_once) {
    flush_python();
    ::_exit(outcome.status);
  }
  return outcome.status;
}

int supervise(const config::Options& options, std::function<int(supervisor::Assignment)> work) {
  telemetry::Log log = make_log(options);
  return supervisor::run(
      options, log,
      {std::move(work), supervisor::activated_descriptors(config::process_environment())});
}

}  // namespace ringhorn
