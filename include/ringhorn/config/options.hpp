/// Options are what a user asked for: one table (options.cpp) gives the command line, the
/// RINGHORN_* environment and the help text. Values are checked here; nobody checks them again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ringhorn::config {

enum class Lifespan : std::uint8_t { automatic, on, off };
enum class LogLevel : std::uint8_t { critical, error, warning, info, debug, trace };

/// Names and defaults are uvicorn's where uvicorn has the option. Times in seconds.
struct Options {
  std::string app;  ///< `module:attribute`
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;
  std::string app_dir;
  bool factory = false;
  Lifespan lifespan = Lifespan::automatic;
  std::string root_path;
  LogLevel log_level = LogLevel::info;
  bool access_log = true;
  std::optional<bool> use_colors;
  int backlog = 2048;
  std::optional<unsigned> limit_concurrency;
  double timeout_keep_alive = 5;
  std::optional<double> timeout_graceful_shutdown;
  std::vector<std::pair<std::string, std::string>> headers;
  bool server_header = true;
  bool date_header = true;
  // Ringhorn's own. 0 switches a time limit off.
  double timeout_header = 10;
  double timeout_body = 30;
  double timeout_write = 60;
  std::uint32_t limit_request_line = 8190;   ///< bytes
  std::uint32_t limit_header_count = 100;
  std::uint32_t limit_header_size = 65536;   ///< bytes, all fields together
  std::uint32_t limit_header_field_size = 16384;  ///< bytes, one field line
  std::uint64_t limit_body = 0;              ///< bytes; 0: no limit
};

}  // namespace ringhorn::config
