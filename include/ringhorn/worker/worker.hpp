/// One worker's whole life: ring, loop, application, sockets, serving, draining, end. The two doors
/// call run() with an interpreter that is up; nothing of the worker is left when it returns.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ringhorn/base/result.hpp>
#include <ringhorn/config/options.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/sock/channel.hpp>
#include <ringhorn/sock/listening.hpp>
#include <ringhorn/sock/service_manager.hpp>
#include <ringhorn/telemetry/board.hpp>
#include <ringhorn/telemetry/log.hpp>

namespace ringhorn::worker {

/// What the process says with its exit status.
enum ExitStatus : int {
  exit_stopped = 0,         ///< served, and stopped as asked
  exit_app_interrupt = 1,   ///< the application raised KeyboardInterrupt or SystemExit
  exit_startup_failed = 3,  ///< never served: import, lifespan, address, ring (as uvicorn's)
  exit_signal_base = 128,   ///< plus the signal's number: stopped at once, by a second signal
};

struct Outcome {
  int status;
  /// Threads of the application may still run and must not be waited for: leave with _exit().
  bool at_once;
};

/// What a worker has of its supervisor.
struct Supervision {
  sock::Channel channel;
  telemetry::BoardEntry* entry;   ///< shared; this worker alone writes it
  const telemetry::Board* board;  ///< that it is on
};

/// What a worker is given besides the options.
struct Surroundings {
  /// The sockets to serve, listening; called once, when the application has started. On failure a
  /// sentence.
  std::function<base::Result<std::vector<sock::Listening>, std::string>()> open_listeners;
  std::optional<Supervision> supervision;  ///< without one the worker is alone
  /// Told of the worker's life; null when somebody else tells it, or nobody listens.
  const sock::ServiceManager* manager = nullptr;
  PyObject* app = nullptr;         ///< borrowed: imported already; null: the worker does it
  bool print_live_counts = false;  ///< `live objects: …` on stderr at the end (for the tests)
};

/// Serves until told to stop. REQUIRES: the GIL is held, this is the main thread
Outcome run(const config::Options& options, telemetry::Log& log, const Surroundings& surroundings);

}  // namespace ringhorn::worker
