/// The supervisor binds every socket once and holds it for life, starts workers, and sees to it
/// that as many as wanted serve: it reloads, recycles and replaces them without losing a request.
/// It has no Python and no ring, one thread, and a few megabytes. Called by the doors instead of
/// the worker.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ringhorn/config/options.hpp>
#include <ringhorn/sock/service_manager.hpp>
#include <ringhorn/supervisor/assignment.hpp>
#include <ringhorn/telemetry/log.hpp>

namespace ringhorn::supervisor {

/// The variable that holds what a program leaves to the one that follows it. It is none of the
/// user's options.
inline constexpr const char* succession_variable = "_RINGHORN_SUCCESSION";

struct Surroundings {
  /// Becomes a worker; called in the forked child, whose exit status it returns.
  std::function<int(Assignment)> work;
  /// Sockets of a service manager.
  std::vector<int> activated;
  /// Told of readiness, reloads and the end. Outlives the supervisor.
  const sock::ServiceManager& manager;
  /// The command that has started this program, to start a newer one (SIGUSR2).
  std::vector<std::string> command;
  /// What succession_variable has held; empty: nobody is followed.
  std::string succession;
  /// Called when the program that this one has followed is gone.
  std::function<void()> on_alone;
};

/// Whether `options` want a supervisor. Without one the process is the one worker.
bool is_wanted(const config::Options& options);

/// Until it was told to stop and every worker is gone: the exit status. REQUIRES: one thread, no
/// child processes that somebody else waits for
int run(const config::Options& options, telemetry::Log& log, const Surroundings& surroundings);

}  // namespace ringhorn::supervisor
