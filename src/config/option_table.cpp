#include "option_table.hpp"

#include <algorithm>
#include <array>

namespace ringhorn::config {

namespace {

constexpr std::string_view seconds = "a time: give seconds, 0 or more, for instance 2.5";
constexpr std::string_view bytes = "a size in bytes: give a whole number from 1 to 4294967295";
constexpr std::string_view count = "a count: give a whole number, 0 or more";
constexpr std::string_view boolean = "true or false: give one of these two";

constexpr std::array option_rows = {
    OptionRow{"app", "", "APP", Kind::positional, Group::application, "",
              "The application as module:attribute, for instance main:app.",
              "an application: give it as module:attribute, for instance main:app", read_app},
    OptionRow{"app-dir", "", "PATH", Kind::value, Group::application, "current directory",
              "Look for the module in this directory first.", "a directory",
              read_text<&Options::app_dir>},
    OptionRow{"chdir", "", "PATH", Kind::value, Group::application, "",
              "Go to this directory first of all; every other path is looked up there.",
              "a directory", read_text<&Options::chdir>},
    OptionRow{"env-file", "", "PATH", Kind::value, Group::application, "",
              "Set the variables of this file (NAME=value) for the application; those that are set "
              "already stay. It does not configure the server, but for WEB_CONCURRENCY.",
              "a file", read_text<&Options::env_file>},
    OptionRow{"factory", "", "", Kind::flag, Group::application, "off",
              "APP is a function that takes no arguments and returns the application.", boolean,
              read_flag<&Options::factory>},
    OptionRow{"lifespan", "", "auto|on|off", Kind::value, Group::application, "auto",
              "Tell the application when the server starts and stops.",
              "a way to run lifespan: give auto, on or off", read_lifespan},
    OptionRow{"root-path", "", "TEXT", Kind::value, Group::application, "",
              "The path under which a proxy serves the application (ASGI root_path).", "a path",
              read_text<&Options::root_path>},
    OptionRow{
        "loop", "", "NAME", Kind::value, Group::application, "auto",
        "Run the application on this event loop: auto or ringhorn (its own), asyncio, uvloop, "
        "or module:factory.",
        "an event loop: give auto, ringhorn, asyncio, uvloop, none or module:factory", read_loop},

    OptionRow{"host", "", "TEXT", Kind::value, Group::address, "127.0.0.1",
              "Listen on this address or host name.",
              "a host: give a name or an address, for instance 0.0.0.0 or ::", read_host},
    OptionRow{"port", "", "PORT", Kind::value, Group::address, "8000",
              "Listen on this port; 0 takes a free one.",
              "a port number: give a number from 0 to 65535", read_number<&Options::port, 0>},
    OptionRow{"bind", "", "ADDRESS", Kind::repeated, Group::address, "",
              "Listen here: host:port, [v6]:port, unix:path, unix:@name or fd://number, instead of "
              "--host and --port. May be given several times; the variable holds a list split on "
              "white space.",
              "an address: give host:port, [v6]:port, unix:path, unix:@name or fd://number",
              read_bind, 'b'},
    OptionRow{"uds", "", "PATH", Kind::value, Group::address, "",
              "Listen on this Unix socket instead of --host and --port.",
              "a path for a Unix socket: give at most 107 bytes", read_uds},
    OptionRow{"fd", "", "NUMBER", Kind::value, Group::address, "",
              "Listen on this inherited descriptor instead of --host and --port.",
              "a descriptor: give its number, for instance 3", read_fd},
    OptionRow{"uds-mode", "", "OCTAL", Kind::value, Group::address, "666",
              "Permissions of Unix sockets that are made here.",
              "a mode: give octal permissions, for instance 660", read_octal<&Options::uds_mode>},
    OptionRow{"uds-owner", "", "USER:GROUP", Kind::value, Group::address, "",
              "Owner of Unix sockets that are made here: user, user:group or :group.",
              "an owner: give user, user:group or :group", read_owner<&Options::uds_owner>},
    OptionRow{"backlog", "", "COUNT", Kind::value, Group::address, "2048",
              "Connections that may wait to be accepted.",
              "a backlog: give a whole number from 1 to 2147483647",
              read_number<&Options::backlog, 1>},

    OptionRow{"workers", "", "COUNT", Kind::value, Group::process, "",
              "Serve with this many processes under a supervisor that replaces, reloads and drains "
              "them; WEB_CONCURRENCY sets it too. Without it one process serves alone.",
              "a count of workers: give a whole number from 1 to 500", read_workers, 'w'},
    OptionRow{"balance", "", "shared|hash", Kind::value, Group::process, "shared",
              "All workers take connections from one socket, or each from one of its own, to which "
              "the kernel spreads them by hash.",
              "a way to balance: give shared or hash", read_balance},
    OptionRow{"preload", "", "", Kind::flag, Group::process, "off",
              "Import the application once, in a process from which all workers are forked: they "
              "share its memory. No event loop runs meanwhile, and threads that the import starts "
              "are missing in the workers.",
              boolean, read_flag<&Options::preload>},
    OptionRow{"reload", "", "", Kind::flag, Group::process, "off",
              "For development: start the application anew when its files change. Requests wait "
              "meanwhile.",
              boolean, read_flag<&Options::reload>},
    OptionRow{
        "reload-dir", "", "PATH", Kind::repeated, Group::process, "",
        "With --reload, watch this directory instead of the current one and --app-dir. May be "
        "given several times; the variable holds a list split on white space.",
        "a directory", read_listed<&Options::reload_dirs>},
    OptionRow{
        "reload-include", "", "PATTERN", Kind::repeated, Group::process, "",
        "With --reload, watch files of this pattern, too, not only *.py. May be given several "
        "times; the variable holds a list split on white space.",
        "a pattern: give one as of a shell, for instance *.html",
        read_listed<&Options::reload_includes>},
    OptionRow{
        "reload-exclude", "", "PATTERN", Kind::repeated, Group::process, "",
        "With --reload, leave out files of this pattern, or a directory. May be given several "
        "times; the variable holds a list split on white space.",
        "a pattern: give one as of a shell, for instance test_*.py",
        read_listed<&Options::reload_excludes>},
    OptionRow{"reload-delay", "", "SECONDS", Kind::value, Group::process, "0.25",
              "With --reload, wait so long after a change for more of them.", seconds,
              read_time<&Options::reload_delay>},
    OptionRow{"timeout-startup", "", "SECONDS", Kind::value, Group::process, "120",
              "Time for a worker to start the application; 0 for no limit.", seconds,
              read_time<&Options::timeout_startup>},
    OptionRow{"timeout-worker-healthcheck", "", "SECONDS", Kind::value, Group::process, "30",
              "Replace a worker whose event loop stands still this long; 0 for never.", seconds,
              read_time<&Options::timeout_worker_healthcheck>},
    OptionRow{"limit-max-requests", "", "COUNT", Kind::value, Group::process, "0",
              "Replace a worker once it has answered this many requests; 0 for never.", count,
              read_number<&Options::limit_max_requests, 0>},
    OptionRow{"limit-max-requests-jitter", "", "COUNT", Kind::value, Group::process, "0",
              "Let each worker answer up to this many requests more, by chance.", count,
              read_number<&Options::limit_max_requests_jitter, 0>},
    OptionRow{"limit-max-rss", "", "MIB", Kind::value, Group::process, "0",
              "Replace a worker that uses more memory than this; 0 for never.",
              "an amount of memory: give mebibytes as a whole number, 0 or more",
              read_number<&Options::limit_max_rss, 0>},
    OptionRow{"limit-max-age", "", "SECONDS", Kind::value, Group::process, "0",
              "Replace a worker that has served for so long; 0 for never.", seconds,
              read_time<&Options::limit_max_age>},
    OptionRow{"pid", "", "PATH", Kind::value, Group::process, "",
              "Keep a file here that holds the number of the process.", "a path",
              read_text<&Options::pid>},
    OptionRow{"user", "", "USER", Kind::value, Group::process, "",
              "Run as this user (name or number) once the sockets are open.", "a user",
              read_text<&Options::user>, 'u'},
    OptionRow{"group", "", "GROUP", Kind::value, Group::process, "the user's",
              "Run as this group (name or number) once the sockets are open.", "a group",
              read_text<&Options::group>, 'g'},
    OptionRow{"umask", "", "OCTAL", Kind::value, Group::process, "",
              "Permissions that new files of the application do not get.",
              "a mask: give octal permissions, for instance 027", read_octal<&Options::umask>, 'm'},

    OptionRow{"log-level", "", "LEVEL", Kind::value, Group::log, "info",
              "Write lines of this level and above: critical, error, warning, info, debug, trace.",
              "a log level: give critical, error, warning, info, debug or trace", read_log_level},
    OptionRow{"access-log", "no-access-log", "", Kind::flag, Group::log, "on",
              "Write a line for each request.", boolean, read_flag<&Options::access_log>},
    OptionRow{"use-colors", "no-use-colors", "", Kind::flag, Group::log, "on a terminal",
              "Write the log in colours.", boolean, read_flag<&Options::use_colors>},

    OptionRow{"header", "", "NAME:VALUE", Kind::repeated, Group::response, "",
              "Add this header to every response. May be given several times; the variable holds a "
              "list split on white space.",
              "a response header: give NAME:VALUE with a plain name, no control characters, and "
              "neither Connection, Content-Length nor Transfer-Encoding",
              read_header},
    OptionRow{"health-check-path", "", "PATH", Kind::value, Group::response, "",
              "Answer GET and HEAD of exactly this path without the application: 200, and 503 once "
              "the server is about to stop.",
              "a path for health checks: give one that begins with /, without query, for instance "
              "/health",
              read_health_path},
    OptionRow{"server-header", "no-server-header", "", Kind::flag, Group::response, "on",
              "Send the Server header.", boolean, read_flag<&Options::server_header>},
    OptionRow{"date-header", "no-date-header", "", Kind::flag, Group::response, "on",
              "Send the Date header.", boolean, read_flag<&Options::date_header>},

    OptionRow{"ws", "", "auto|none", Kind::value, Group::web_socket, "auto",
              "Serve WebSockets; with none their handshakes are plain requests.",
              "a WebSocket implementation: give auto (the built-in one) or none", read_web_sockets},
    OptionRow{"ws-max-size", "", "BYTES", Kind::value, Group::web_socket, "16777216",
              "Longest message from a client, decompressed.",
              "a size in bytes: give a whole number, 1 or more",
              read_number<&Options::ws_max_size, 1>},
    OptionRow{"ws-max-queue", "", "COUNT", Kind::value, Group::web_socket, "32",
              "Messages that may wait for the application before a client is held back.",
              "a count: give a whole number from 1 to 4294967295",
              read_number<&Options::ws_max_queue, 1>},
    OptionRow{"ws-max-queue-bytes", "", "BYTES", Kind::value, Group::web_socket, "4194304",
              "Bytes of messages that may wait for the application before a client is held back.",
              bytes, read_number<&Options::ws_max_queue_bytes, 1>},
    OptionRow{"ws-ping-interval", "", "SECONDS", Kind::value, Group::web_socket, "20",
              "Time between two pings to a client; 0 for none.", seconds,
              read_time<&Options::ws_ping_interval>},
    OptionRow{"ws-ping-timeout", "", "SECONDS", Kind::value, Group::web_socket, "20",
              "Time for a client to answer a ping; 0 for no limit.", seconds,
              read_time<&Options::ws_ping_timeout>},
    OptionRow{"ws-per-message-deflate", "", "BOOLEAN", Kind::value, Group::web_socket, "true",
              "Compress messages when the client offers it.", boolean,
              read_flag<&Options::ws_per_message_deflate>},
    OptionRow{"ws-compress-min-size", "", "BYTES", Kind::value, Group::web_socket, "1024",
              "Send messages below this size uncompressed.",
              "a size in bytes: give a whole number from 0 to 4294967295",
              read_number<&Options::ws_compress_min_size, 0>},

    OptionRow{"timeout-keep-alive", "", "SECONDS", Kind::value, Group::time, "5",
              "Close a connection that is idle this long between two requests.", seconds,
              read_time<&Options::timeout_keep_alive>},
    OptionRow{"timeout-graceful-shutdown", "", "SECONDS", Kind::value, Group::time, "no limit",
              "Wait this long for running requests when the server stops.", seconds,
              read_time<&Options::timeout_graceful_shutdown>},
    OptionRow{"timeout-drain", "", "SECONDS", Kind::value, Group::time, "3",
              "When the server stops, tell streams after this time that their client has left, and "
              "close WebSockets (1012) that have a message in hand; 0 for never.",
              seconds, read_time<&Options::timeout_drain>},
    OptionRow{"drain-delay", "", "SECONDS", Kind::value, Group::time, "0",
              "After SIGTERM serve on for so long while health checks are told 503, so that load "
              "balancers look away first.",
              seconds, read_time<&Options::drain_delay>},
    OptionRow{"timeout-header", "", "SECONDS", Kind::value, Group::time, "10",
              "Time for a client to send a request's head; 0 for no limit.", seconds,
              read_time<&Options::timeout_header>},
    OptionRow{"timeout-body", "", "SECONDS", Kind::value, Group::time, "30",
              "Time between two pieces of a request's body; 0 for no limit.", seconds,
              read_time<&Options::timeout_body>},
    OptionRow{"timeout-write", "", "SECONDS", Kind::value, Group::time, "60",
              "Time for a client to take more of a response; 0 for no limit.", seconds,
              read_time<&Options::timeout_write>},
    OptionRow{"timeout-ws-handshake", "", "SECONDS", Kind::value, Group::time, "30",
              "Time for the application to accept or deny a WebSocket; 0 for no limit.", seconds,
              read_time<&Options::timeout_ws_handshake>},
    OptionRow{"timeout-ws-close", "", "SECONDS", Kind::value, Group::time, "10",
              "Time for a client to answer a WebSocket's Close; 0 for no limit.", seconds,
              read_time<&Options::timeout_ws_close>},

    OptionRow{"limit-concurrency", "", "COUNT", Kind::value, Group::limit, "no limit",
              "Answer 503 when this many connections or requests are under way.",
              "a count: give a whole number from 1 to 4294967295",
              read_number<&Options::limit_concurrency, 1>},
    OptionRow{"limit-request-line", "", "BYTES", Kind::value, Group::limit, "8190",
              "Longest request line.", bytes, read_number<&Options::limit_request_line, 1>},
    OptionRow{"limit-header-count", "", "COUNT", Kind::value, Group::limit, "100",
              "Most header fields in a request.",
              "a count: give a whole number from 1 to 4294967295",
              read_number<&Options::limit_header_count, 1>},
    OptionRow{"limit-header-size", "", "BYTES", Kind::value, Group::limit, "65536",
              "Most bytes of all header fields of a request together.", bytes,
              read_number<&Options::limit_header_size, 1>},
    OptionRow{"limit-header-field-size", "", "BYTES", Kind::value, Group::limit, "16384",
              "Longest single header field.", bytes,
              read_number<&Options::limit_header_field_size, 1>},
    OptionRow{"limit-body", "", "BYTES", Kind::value, Group::limit, "0",
              "Longest request body; 0 for no limit.",
              "a size in bytes: give a whole number, 0 or more",
              read_number<&Options::limit_body, 0>},
    OptionRow{"limit-body-rate", "", "BYTES", Kind::value, Group::limit, "1",
              "Fewest bytes per second of a request's body that the application waits for, once it "
              "has waited for --timeout-body in all; 0 for no limit.",
              "a rate in bytes per second: give a whole number from 0 to 4294967295",
              read_number<&Options::limit_body_rate, 0>},

    OptionRow{"io", "", "auto|uring|epoll", Kind::value, Group::other, "auto",
              "Serve through io_uring or epoll; auto takes io_uring where the system allows it.",
              "a way to do I/O: give auto, uring or epoll", read_io},
    OptionRow{"check-config", "", "", Kind::flag, Group::other, "off",
              "Import the application, say whether everything is right, and exit.", boolean,
              read_flag<&Options::check_config>},
    OptionRow{"version", "", "", Kind::action, Group::other, "", "Show the versions and exit.", "",
              nullptr},
    OptionRow{"help", "", "", Kind::action, Group::other, "", "Show this text and exit.", "",
              nullptr},
};

}  // namespace

std::span<const OptionRow> option_table() {
  return option_rows;
}

const OptionRow* find_option(std::string_view name) {
  const auto* found =
      std::find_if(option_rows.begin(), option_rows.end(), [name](const OptionRow& row) {
        return row.name == name || (name.size() == 1 && row.letter == name.front());
      });
  return found == option_rows.end() ? nullptr : found;
}

std::string upper_name(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    c = c == '-' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return result;
}

std::string variable_of(const OptionRow& row) {
  if (row.kind == Kind::action) {
    return {};
  }
  // click names a repeated option in the plural, and so do we: RINGHORN_HEADERS.
  return "RINGHORN_" + upper_name(row.name) + (row.kind == Kind::repeated ? "S" : "");
}

std::string spelling_of(const OptionRow& row) {
  return std::string(row.kind == Kind::positional ? row.metavar : "--")
      .append(row.kind == Kind::positional ? "" : row.name);
}

}  // namespace ringhorn::config
