/// Options are what a user asked for: one table (src/config/option_table.cpp) gives the command
/// line, the RINGHORN_* environment and the help text. The doors make them with parse(), the worker
/// reads them. Every value here was checked; nobody checks it again. Plain data, no thread of its
/// own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/config/endpoint.hpp>

namespace ringhorn::config {

/// Whether the lifespan protocol is spoken; `automatic` goes on without it when the app refuses.
enum class Lifespan : std::uint8_t { automatic, on, off };
/// How connections come to workers: from one socket, or each worker from one of its own.
enum class Balance : std::uint8_t { shared, hash };
/// What carries the network: `automatic` takes io_uring where it can be had, epoll elsewhere.
enum class Io : std::uint8_t { automatic, uring, epoll };
/// Whether WebSockets are served; otherwise their handshakes are plain requests.
enum class WebSockets : std::uint8_t { automatic, none };
/// From the least to the most talkative.
enum class LogLevel : std::uint8_t { critical, error, warning, info, debug, trace };

/// Names and defaults are uvicorn's where uvicorn has the option. Times are seconds, finite, never
/// negative, at most seconds_max.
struct Options {
  static constexpr double seconds_max = 1e9;

  std::string app;                 ///< `module:attribute`, both parts non-empty
  std::string host = "127.0.0.1";  ///< never empty
  std::uint16_t port = 8000;       ///< 0: any free one
  // Instead of host and port, all of them together: see endpoints_of().
  std::vector<Endpoint> binds;
  std::string uds;                  ///< empty: none
  std::optional<std::uint32_t> fd;  ///< an inherited descriptor
  std::uint32_t uds_mode = 0666;    ///< permission bits of every Unix socket that is made here
  std::string uds_owner;            ///< `user`, `user:group` or `:group`; empty: who starts it
  std::string chdir;                ///< empty: stay; every relative path is of this directory
  std::string env_file;             ///< empty: none
  /// What the file of env_file adds to the environment of the application.
  std::vector<std::pair<std::string, std::string>> environment;
  bool check_config = false;           ///< import the application and stop
  std::string user;                    ///< name or number; empty: as started
  std::string group;                   ///< name or number; empty: of the user
  std::optional<std::uint32_t> umask;  ///< not set: as started
  std::string pid;                     ///< path; empty: no file
  std::string app_dir;                 ///< empty: the current directory
  bool factory = false;
  Lifespan lifespan = Lifespan::automatic;
  std::string root_path;
  std::string loop = "auto";  ///< auto, ringhorn, asyncio, uvloop, none, or `module:attribute`
  LogLevel log_level = LogLevel::info;
  bool access_log = true;
  std::optional<bool> use_colors;        ///< not set: when the stream is a terminal
  std::optional<std::uint32_t> workers;  ///< at least 1; not set: one, without a supervisor
  bool preload = false;                  ///< import once, and fork the workers from that
  bool reload = false;                   ///< start anew whenever files change
  std::vector<std::string> reload_dirs;  ///< empty: the current one and app_dir
  std::vector<std::string> reload_includes;
  std::vector<std::string> reload_excludes;
  double reload_delay = 0.25;
  Balance balance = Balance::shared;
  std::uint64_t limit_max_requests = 0;            ///< of a worker; 0: no limit
  std::uint32_t limit_max_requests_jitter = 0;     ///< at most so many more, by chance
  std::uint64_t limit_max_rss = 0;                 ///< MiB of a worker; 0: no limit
  double limit_max_age = 0;                        ///< seconds of a worker; 0: no limit
  int backlog = 2048;                              ///< at least 1
  std::optional<std::uint32_t> limit_concurrency;  ///< at least 1; not set: no limit
  double timeout_keep_alive = 5;
  std::optional<double> timeout_graceful_shutdown;  ///< not set: no limit
  /// Valid field lines (RFC 9110 §5.1, §5.5): the name is a token in lower case, the value has no
  /// control bytes and no white space around it. Never framing (content-length and its like).
  std::vector<std::pair<std::string, std::string>> headers;
  std::string health_check_path;  ///< begins with `/`, no query; empty: none
  bool server_header = true;
  bool date_header = true;
  WebSockets ws = WebSockets::automatic;
  std::uint64_t ws_max_size = 16777216;  ///< bytes; at least 1
  std::uint32_t ws_max_queue = 32;       ///< messages; at least 1
  double ws_ping_interval = 20;
  double ws_ping_timeout = 20;
  bool ws_per_message_deflate = true;
  // Ringhorn's own. 0 switches a time limit off.
  double timeout_header = 10;
  double timeout_body = 30;
  double timeout_write = 60;
  double timeout_drain = 3;  ///< for streams and WebSockets to end by themselves
  double drain_delay = 0;    ///< after SIGTERM, before the draining begins
  double timeout_ws_handshake = 30;
  double timeout_ws_close = 10;
  double timeout_startup = 120;                   ///< for a worker to become ready
  double timeout_worker_healthcheck = 30;         ///< for a ready worker's loop to turn
  std::uint32_t limit_request_line = 8190;        ///< bytes
  std::uint32_t limit_header_count = 100;         ///< at least 1
  std::uint32_t limit_header_size = 65536;        ///< bytes, all fields together
  std::uint32_t limit_header_field_size = 16384;  ///< bytes, one field line
  std::uint64_t limit_body = 0;                   ///< bytes; 0: no limit
  std::uint32_t ws_max_queue_bytes = 4194304;     ///< at least 1
  std::uint32_t ws_compress_min_size = 1024;      ///< bytes
  std::uint32_t limit_body_rate = 1;              ///< bytes per second at least; 0: no limit
  Io io = Io::automatic;
};

/// A time of the options in nanoseconds.
inline base::Nanoseconds to_ns(double seconds) {
  return static_cast<base::Nanoseconds>(seconds * static_cast<double>(base::ns_per_s));
}

/// Whether a worker is to be replaced now and then.
inline bool recycles(const Options& options) {
  return options.limit_max_requests > 0 || options.limit_max_rss > 0 || options.limit_max_age > 0;
}

/// How long a worker that has a supervisor may take to end, in seconds. Who develops does not wait
/// for the stream that a browser holds open.
inline double grace_under_supervisor(const Options& options) {
  const double by_default = options.reload ? 3 : 30;
  return options.timeout_graceful_shutdown.value_or(by_default);
}

}  // namespace ringhorn::config
