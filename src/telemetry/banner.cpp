#include <ringhorn/telemetry/banner.hpp>

namespace ringhorn::telemetry {

namespace {

std::string painted(std::string_view text, std::string_view style, const Log& log) {
  if (!log.colored()) {
    return std::string(text);
  }
  return std::string(style).append(text).append("\x1b[0m");
}

std::string process_line(std::string_view what, std::int64_t pid, const Log& log) {
  constexpr std::string_view cyan = "\x1b[36m";
  return std::string(what) + " process [" + painted(std::to_string(pid), cyan, log) + "]";
}

}  // namespace

std::string started_server_process(std::int64_t pid, const Log& log) {
  return process_line("Started server", pid, log);
}

std::string finished_server_process(std::int64_t pid, const Log& log) {
  return process_line("Finished server", pid, log);
}

std::string started_parent_process(std::int64_t pid, const Log& log) {
  return process_line("Started parent", pid, log);
}

std::string stopping_parent_process(std::int64_t pid, const Log& log) {
  return process_line("Stopping parent", pid, log);
}

std::string running_on(std::string_view where, const Log& log) {
  constexpr std::string_view bold = "\x1b[1m";
  return "Ringhorn running on " + painted(where, bold, log) + " (Press CTRL+C to quit)";
}

std::string using_epoll(std::string_view reason) {
  return "Using epoll: " + std::string(reason);
}

std::string cancelled_tasks(std::size_t count) {
  return "Cancel " + std::to_string(count) + " running task(s), timeout graceful shutdown exceeded";
}

}  // namespace ringhorn::telemetry
