/// The lines that users and their tools wait for: start, stop and failure, in uvicorn's words.
/// Called by whoever runs a worker, and written through Log. They are texts only; nothing is
/// written here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <ringhorn/telemetry/log.hpp>

namespace ringhorn::telemetry {

// Start, level info.
inline constexpr std::string_view waiting_for_application_startup =
    "Waiting for application startup.";
inline constexpr std::string_view application_startup_complete = "Application startup complete.";
inline constexpr std::string_view lifespan_unsupported =
    "ASGI 'lifespan' protocol appears unsupported.";

// Stop, level info.
inline constexpr std::string_view shutting_down = "Shutting down";
inline constexpr std::string_view waiting_for_connections =
    "Waiting for connections to close. (CTRL+C to force quit)";
inline constexpr std::string_view waiting_for_background_tasks =
    "Waiting for background tasks to complete. (CTRL+C to force quit)";
inline constexpr std::string_view waiting_for_application_shutdown =
    "Waiting for application shutdown.";
inline constexpr std::string_view application_shutdown_complete = "Application shutdown complete.";

// Failure, level error.
inline constexpr std::string_view lifespan_exception = "Exception in 'lifespan' protocol\n";
inline constexpr std::string_view application_startup_failed =
    "Application startup failed. Exiting.";
inline constexpr std::string_view application_shutdown_failed =
    "Application shutdown failed. Exiting.";

/// `Using epoll: io_uring is forbidden here (EPERM), …`, level info: the one line that says which
/// backend runs and why, when it is not the usual one.
std::string using_epoll(std::string_view reason);

// The functions colour their text when `log` is coloured.

/// `Started server process [PID]`
std::string started_server_process(std::int64_t pid, const Log& log);
/// `Finished server process [PID]`
std::string finished_server_process(std::int64_t pid, const Log& log);
/// `Started parent process [PID]`
std::string started_parent_process(std::int64_t pid, const Log& log);
/// `Stopping parent process [PID]`
std::string stopping_parent_process(std::int64_t pid, const Log& log);
/// `Ringhorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)`; `where` is the address as
/// people read it, with its scheme or `unix socket`.
std::string running_on(std::string_view where, const Log& log);
/// `Cancel 2 running task(s), timeout graceful shutdown exceeded`, level error.
std::string cancelled_tasks(std::size_t count);

}  // namespace ringhorn::telemetry
