#include "narrative.hpp"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include <ringhorn/base/small_file.hpp>
#include <ringhorn/base/unique_fd.hpp>

#include "signal_watch.hpp"

namespace ringhorn::supervisor {

namespace {

std::string child(pid_t pid) {
  return "Child process [" + std::to_string(pid) + "]";
}

std::string template_process(pid_t pid) {
  return "Template process [" + std::to_string(pid) + "]";
}

/// `12.3 s`
std::string seconds(base::Nanoseconds duration_ns) {
  const std::int64_t tenths = duration_ns / (base::ns_per_s / 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

/// The letter of the process's state in /proc; 0 when it is not there.
char state_of(pid_t pid) {
  std::array<char, 512> bytes;
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const std::string_view text = base::read_small_file(path.c_str(), bytes);
  const std::size_t end = text.rfind(')');  // the name before it may hold anything
  return end != std::string_view::npos && end + 2 < text.size() ? text[end + 2] : '\0';
}

/// `'a', 'b'`
std::string quoted(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text.append(text.empty() ? "'" : ", '").append(word).append("'");
  }
  return text;
}

std::string_view meaning_of(char state, telemetry::LoopPhase phase) {
  using telemetry::LoopPhase;
  if (state == 'T' || state == 't') {
    return ": it is stopped by a signal or a debugger";
  }
  if (state == 'D') {
    return ": it waits inside the kernel";
  }
  if (phase == LoopPhase::taking_gil) {
    return ": another thread holds the GIL";
  }
  const bool blocked = phase == LoopPhase::turning;
  if (state == 'R') {
    return blocked ? ": a callback or task keeps it busy and never awaits" : ": it is busy";
  }
  return blocked ? ": a callback or task blocks it instead of awaiting"
                 : ": it waits for something";
}

}  // namespace

std::string told_status(int status) {
  return WIFSIGNALED(status) ? "killed by " + signal_name(WTERMSIG(status))
                             : "exit status " + std::to_string(WEXITSTATUS(status));
}

/// Of a Member or a Template.
template <typename Gone>
static std::string died(const Gone& gone, int status, base::Nanoseconds now_ns) {
  return " died: " + told_status(status) + " after " + seconds(now_ns - gone.started_ns) +
         (gone.ready_ns == 0 ? ", before it was ready" : "");
}

std::string told_death(const Departure& departure, int status, base::Nanoseconds now_ns) {
  const Member& member = departure.member;
  const std::string text = child(member.pid) + died(member, status, now_ns);
  if (departure.fatal) {
    return text + ". Exiting.";
  }
  if (departure.left_empty) {
    return text + ". The next change starts another.";
  }
  if (departure.wait_ns > 0) {
    return text + ". The next one starts in " + seconds(departure.wait_ns) + ".";
  }
  return text + (departure.reload_failed ? "." : ". Starting another.");
}

std::string told_death(const TemplateDeparture& departure, int status, base::Nanoseconds now_ns) {
  const Template& gone = departure.gone;
  const std::string text = template_process(gone.pid) + died(gone, status, now_ns);
  if (departure.fatal) {
    return text + ". Exiting.";
  }
  if (departure.reload_failed) {
    return text + ".";
  }
  if (departure.wait_ns > 0) {
    return text + ". The next one starts in " + seconds(departure.wait_ns) + ".";
  }
  return text + ". Starting another.";
}

std::string told_import(const Template& one, base::Nanoseconds now_ns) {
  return template_process(one.pid) + " has imported the application in " +
         seconds(now_ns - one.started_ns) + ".";
}

std::string told_import_overdue(const Template& one, base::Nanoseconds now_ns) {
  return template_process(one.pid) + " has not imported the application in " +
         seconds(now_ns - one.started_ns) +
         std::string(meaning_of(state_of(one.pid), telemetry::LoopPhase::unknown)) + ". Ending it.";
}

std::string told_end(const Member& member, int status, base::Nanoseconds now_ns) {
  return child(member.pid) + " ended: " + told_status(status) + " after " +
         seconds(now_ns - member.started_ns);
}

std::string told_spent(pid_t pid, std::string_view reason) {
  return child(pid) + " will be replaced: " + std::string(reason);
}

std::string told_abort(const Member& member, telemetry::LoopPhase phase, base::Nanoseconds now_ns) {
  if (member.ready_ns == 0) {
    return child(member.pid) + " has not started in " + seconds(now_ns - member.started_ns) +
           std::string(meaning_of(state_of(member.pid), phase)) + ". Ending it.";
  }
  return child(member.pid) + " does not turn its event loop any more" +
         std::string(meaning_of(state_of(member.pid), phase)) + ". Ending it.";
}

std::string told_kill(const Member& member) {
  return child(member.pid) + " has not ended in time. Killing it.";
}

std::string told_reload(unsigned count, unsigned generation) {
  return "Restarted: generation " + std::to_string(generation) + " serves with " +
         std::to_string(count) + (count == 1 ? " process." : " processes.");
}

std::string told_reload_failure(unsigned generation, unsigned serving) {
  return "The restart has failed: generation " + std::to_string(generation) +
         " does not start. The processes of generation " + std::to_string(serving) +
         " go on serving.";
}

std::string told_count(std::string_view what, unsigned count) {
  return "Received " + std::string(what) + " the number of processes to " + std::to_string(count) +
         ".";
}

std::string told_changes(const std::vector<std::string>& paths) {
  constexpr std::size_t told_max = 3;
  const std::size_t told = std::min(paths.size(), told_max);
  return "Detected changes in " + quoted({paths.begin(), paths.begin() + static_cast<long>(told)}) +
         (paths.size() > told ? " and " + std::to_string(paths.size() - told) + " more" : "") +
         ". Reloading...";
}

std::string told_directories(const std::vector<std::string>& paths) {
  std::vector<std::string> whole;
  for (const std::string& path : paths) {
    std::error_code error;
    whole.push_back(std::filesystem::canonical(path, error).string());
  }
  return "Will watch for changes in these directories: [" + quoted(whole) + "]";
}

bool has_terminal() {
  return base::UniqueFd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)).value() >= 0;
}

}  // namespace ringhorn::supervisor
