/// Narrative is what the supervisor tells in the log: texts made of facts, written by nobody here.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/telemetry/board.hpp>

#include "fleet.hpp"
#include "templates.hpp"

namespace ringhorn::supervisor {

/// `exit status 3`, `killed by SIGSEGV`, from what waitpid(2) gave.
std::string told_status(int status);
/// `Child process [7] died: killed by SIGSEGV after 12.3 s.`, and what follows from it.
std::string told_death(const Departure& departure, int status, base::Nanoseconds now_ns);
/// The same of a template.
std::string told_death(const TemplateDeparture& departure, int status, base::Nanoseconds now_ns);
/// `Template process [7] has imported the application in 0.4 s.`
std::string told_import(const Template& one, base::Nanoseconds now_ns);
std::string told_import_overdue(const Template& one, base::Nanoseconds now_ns);
/// The end of a worker that was told to go.
std::string told_end(const Member& member, int status, base::Nanoseconds now_ns);
std::string told_spent(pid_t pid, std::string_view reason);
/// Why a worker is to die, with what the kernel and it itself say of it.
std::string told_abort(const Member& member, telemetry::LoopPhase phase, base::Nanoseconds now_ns);
std::string told_kill(const Member& member);
std::string told_reload(unsigned count, unsigned generation);
std::string told_reload_failure(unsigned generation, unsigned serving);
/// `Received SIGTTIN, increasing the number of processes to 3.`
std::string told_count(std::string_view what, unsigned count);
/// `Detected changes in 'a.py', 'b.py', 'c.py' and 4 more. Reloading...`
std::string told_changes(const std::vector<std::string>& paths);
/// What --reload watches, as whole paths.
std::string told_directories(const std::vector<std::string>& paths);

/// Whether this process has a terminal that controls it.
bool has_terminal();

}  // namespace ringhorn::supervisor
