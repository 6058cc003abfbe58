/// What the two doors share: the way from the command line to an exit status. The doors differ in
/// who starts Python, and when: one embeds it and starts it in each worker, the other finds it
/// there and makes of each worker a program of its own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ringhorn/config/options.hpp>
#include <ringhorn/supervisor/supervisor.hpp>

namespace ringhorn {

/// The options that `arguments` (without the program's name) and the environment ask for. Without a
/// value `status` says how to exit; everything was printed.
std::optional<config::Options> read_options(const std::vector<std::string>& arguments, int& status);

/// Serves with the interpreter that is up, alone or as `assignment` says; does not return when
/// threads must not be waited for. REQUIRES: the GIL is held, this is the main thread
int serve(const config::Options& options, std::optional<supervisor::Assignment> assignment);

/// Supervises workers, each of which is a forked child that calls `work`. `command` starts this
/// program again (SIGUSR2). REQUIRES: one thread, which holds no GIL
int supervise(const config::Options& options, const std::vector<std::string>& command,
              std::function<int(supervisor::Assignment)> work);

}  // namespace ringhorn
