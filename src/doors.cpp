// What the two doors share.
#include "doors.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <ringhorn/config/env_file.hpp>
#include <ringhorn/config/parse.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/supervisor/process.hpp>
#include <ringhorn/telemetry/log.hpp>
#include <ringhorn/worker/preloader.hpp>
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

using Parsed = base::Result<config::Options, config::EarlyExit>;

config::EarlyExit not_started(const std::string& why) {
  return {worker::exit_startup_failed, "ringhorn: " + why + "\n"};
}

/// The process is set up as `first` asks. What a file adds to the environment is read only then,
/// and the options once more, since some of it may concern them.
Parsed settle_in(config::Options first, const std::vector<std::string>& arguments,
                 const config::Environment& environment) {
  // A program that another one of ours has executed is where that one is.
  const bool is_there = environment(supervisor::assignment_variable).has_value() ||
                        environment(supervisor::succession_variable).has_value();
  const auto moved = supervisor::change_directory(is_there ? config::Options() : first);
  if (!moved) {
    return base::Failure{not_started(moved.error())};
  }
  supervisor::set_mask(first);
  if (first.env_file.empty()) {
    return first;
  }
  auto variables = config::read_env_file(first.env_file, environment);
  if (!variables) {
    return base::Failure{not_started("--env-file: " + variables.error())};
  }
  Parsed options =
      config::parse(arguments, config::with_variables(environment, variables.value()), PY_VERSION);
  if (options) {
    options.value().environment = variables.take_value();
  }
  return options;
}

sock::ServiceManager find_manager(const config::Environment& environment) {
  const std::string pid = environment("WATCHDOG_PID").value_or("");
  // A program that follows another one takes over what the manager expects of that.
  const bool follows = environment(supervisor::succession_variable).has_value();
  const bool ours = pid.empty() || pid == std::to_string(::getpid()) ||
                    (follows && pid == std::to_string(::getppid()));
  return {environment("NOTIFY_SOCKET").value_or(""),
          ours ? environment("WATCHDOG_USEC").value_or("") : ""};
}

/// A file that names the process, if one is wanted. Empty after a failure, which is logged.
std::optional<supervisor::PidFile> make_pid_file(const config::Options& options,
                                                 telemetry::Log& log, const char* suffix = "") {
  const bool wanted = !options.check_config && !options.pid.empty();
  auto made = supervisor::PidFile::make(wanted ? options.pid + suffix : "");
  if (!made) {
    log.error(made.error());
    return std::nullopt;
  }
  return made.take_value();
}

/// What a worker is to have around it: with `assignment` of its supervisor, without alone.
worker::Surroundings surroundings_of(const config::Options& options,
                                     std::optional<supervisor::Assignment>& assignment) {
  const config::Environment environment = config::process_environment();
  worker::Surroundings surroundings;
  surroundings.print_live_counts = environment("RINGHORN_DEBUG_COUNTS").has_value();
  if (assignment) {
    surroundings.supervision =
        worker::Supervision{std::move(assignment->channel),
                            &assignment->board.entry(assignment->entry), &assignment->board};
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

void tell_backlog(const config::Options& options, telemetry::Log& log) {
  if (const std::string cut = supervisor::backlog_warning(options); !cut.empty()) {
    log.warning(cut);
  }
}

/// Who drops privileges does so when the sockets are open and before the application is there; a
/// worker has them from its supervisor, which stays who it is.
worker::Outcome run_worker(const config::Options& options, telemetry::Log& log,
                           std::optional<supervisor::Assignment>& assignment,
                           PyObject* app = nullptr) {
  const sock::ServiceManager manager = find_manager(config::process_environment());
  worker::Surroundings surroundings = surroundings_of(options, assignment);
  surroundings.manager = assignment ? nullptr : &manager;
  surroundings.app = app;
  if (options.check_config || !supervisor::has_identity(options)) {
    return worker::run(options, log, surroundings);
  }
  auto opened = surroundings.open_listeners();
  surroundings.open_listeners = [&opened] { return std::move(opened); };
  const auto became = supervisor::become_user(options);
  if (!opened || !became) {
    log.error(opened ? became.error() : opened.error());
    return {worker::exit_startup_failed, false};
  }
  return worker::run(options, log, surroundings);
}

/// Imports the application, and returns in every worker that is forked and has served. The
/// application is not root's to import when the workers are not.
worker::Outcome run_template(const config::Options& options, telemetry::Log& log,
                             supervisor::Assignment all) {
  const auto became = supervisor::become_user(options);
  if (!became) {
    log.error(became.error());
    return {worker::exit_startup_failed, true};
  }
  supervisor::end_with_parent();
  worker::Preloader preloader(options, log);
  if (!preloader.load()) {
    return {worker::exit_startup_failed, true};
  }
  auto summons = preloader.serve(all.channel);
  if (!summons) {
    return {worker::exit_stopped, true};
  }
  const auto place = supervisor::place_in(summons->place);
  if (!place) {
    log.error("The template process was asked for something that is no worker.");
    return {worker::exit_startup_failed, true};
  }
  std::optional<supervisor::Assignment> assignment =
      supervisor::assign(*place, std::move(summons->channel), std::move(all.board),
                         std::move(all.listeners), options.workers.value_or(1));
  return run_worker(options, log, assignment, preloader.app());
}

}  // namespace

std::optional<config::Options> read_options(const std::vector<std::string>& arguments,
                                            int& status) {
  const config::Environment environment = config::process_environment();
  Parsed options =
      config::parse(arguments, environment, PY_VERSION, config::process_variable_names());
  if (options) {
    options = settle_in(options.take_value(), arguments, environment);
  }
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
    if (!assignment) {
      tell_backlog(options, log);
    }
    const auto pid_file = assignment ? supervisor::PidFile() : make_pid_file(options, log);
    if (assignment && assignment->role == supervisor::Role::preload) {
      outcome = run_template(options, log, std::move(*assignment));
    } else {
      outcome = pid_file ? run_worker(options, log, assignment)
                         : worker::Outcome{worker::exit_startup_failed, false};
    }
  }
  if (outcome.at_once) {
    flush_python();
    ::_exit(outcome.status);
  }
  return outcome.status;
}

int supervise(const config::Options& options, const std::vector<std::string>& command,
              std::function<int(supervisor::Assignment)> work) {
  telemetry::Log log = make_log(options);
  tell_backlog(options, log);
  const config::Environment environment = config::process_environment();
  const sock::ServiceManager manager = find_manager(environment);
  const std::string succession = environment(supervisor::succession_variable).value_or("");
  ::unsetenv(supervisor::succession_variable);
  // The name of the file is that of the program before us until it is gone.
  auto pid_file = make_pid_file(options, log, succession.empty() ? "" : ".2");
  if (!pid_file) {
    return worker::exit_startup_failed;
  }
  return supervisor::run(options, log,
                         {std::move(work), supervisor::activated_descriptors(environment), manager,
                          command, succession, [&] { pid_file->move_to(options.pid); }});
}

}  // namespace ringhorn
