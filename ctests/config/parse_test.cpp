#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/option_table.hpp"
#include "config/support.hpp"

using namespace ringhorn::config;
using ringhorn::config::test::options_of;
using ringhorn::config::test::Variables;

namespace {

/// One option three ways: its default, what argv makes of it, what its variable makes of it.
struct Case {
  std::string name;
  std::vector<std::string> arguments;
  std::string variable;
  std::string value;
  std::function<std::string(const Options&)> shown;
  std::string by_default;
  std::string when_set;
};

std::string text_of(bool value) {
  return value ? "true" : "false";
}
std::string text_of(double value) {
  return std::to_string(value);
}
std::string text_of(const std::string& value) {
  return value;
}
template <typename T>
std::string text_of(const T& value) {
  return std::to_string(value);
}
template <typename T>
std::string text_of(const std::optional<T>& value) {
  return value ? text_of(*value) : "none";
}
std::string text_of(Lifespan value) {
  return std::to_string(static_cast<int>(value));
}
std::string text_of(Balance value) {
  return std::to_string(static_cast<int>(value));
}
std::string text_of(Io value) {
  return std::to_string(static_cast<int>(value));
}
std::string text_of(WebSockets value) {
  return std::to_string(static_cast<int>(value));
}
std::string text_of(LogLevel value) {
  return std::to_string(static_cast<int>(value));
}
std::string text_of(const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string text;
  for (const auto& [name, value] : headers) {
    text += "[" + name + "|" + value + "]";
  }
  return text;
}

std::string text_of(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += word + " ";
  }
  return text;
}

std::string text_of(const std::vector<Endpoint>& endpoints) {
  std::string text;
  for (const Endpoint& endpoint : endpoints) {
    text += endpoint.host + ":" + std::to_string(endpoint.port) + " ";
  }
  return text;
}

template <typename T>
std::function<std::string(const Options&)> member(T Options::*where) {
  return [where](const Options& options) { return text_of(options.*where); };
}

/// For options whose variable holds the same text as the argument.
template <typename T>
Case valued(const std::string& name, const std::string& variable, const std::string& value,
            T Options::*where, const std::string& by_default, const std::string& when_set) {
  return {name, {"--" + name, value}, variable, value, member(where), by_default, when_set};
}

template <typename T>
Case flag(const std::string& written, const std::string& variable, const std::string& value,
          T Options::*where, const std::string& by_default, const std::string& when_set) {
  return {written, {written}, variable, value, member(where), by_default, when_set};
}

/// For options that do nothing without another one, which stands beside them.
Case beside(const std::vector<std::string>& others, Case one) {
  one.arguments.insert(one.arguments.end(), others.begin(), others.end());
  return one;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      valued("app-dir", "RINGHORN_APP_DIR", "src", &Options::app_dir, "", "src"),
      valued("chdir", "RINGHORN_CHDIR", "/srv", &Options::chdir, "", "/srv"),
      valued("env-file", "RINGHORN_ENV_FILE", ".env", &Options::env_file, "", ".env"),
      valued("pid", "RINGHORN_PID", "/run/a", &Options::pid, "", "/run/a"),
      valued("user", "RINGHORN_USER", "www", &Options::user, "", "www"),
      valued("group", "RINGHORN_GROUP", "33", &Options::group, "", "33"),
      valued("umask", "RINGHORN_UMASK", "027", &Options::umask, "none", "23"),
      flag("--check-config", "RINGHORN_CHECK_CONFIG", "1", &Options::check_config, "false", "true"),
      flag("--factory", "RINGHORN_FACTORY", "true", &Options::factory, "false", "true"),
      valued("lifespan", "RINGHORN_LIFESPAN", "on", &Options::lifespan, "0", "1"),
      valued("io", "RINGHORN_IO", "EPOLL", &Options::io, "0", "2"),
      valued("loop", "RINGHORN_LOOP", "UVLoop", &Options::loop, "auto", "uvloop"),
      valued("root-path", "RINGHORN_ROOT_PATH", "/api", &Options::root_path, "", "/api"),
      valued("host", "RINGHORN_HOST", "::1", &Options::host, "127.0.0.1", "::1"),
      valued("port", "RINGHORN_PORT", "0", &Options::port, "8000", "0"),
      valued("bind", "RINGHORN_BINDS", "a:1", &Options::binds, "", "a:1 "),
      valued("uds", "RINGHORN_UDS", "/run/a", &Options::uds, "", "/run/a"),
      valued("fd", "RINGHORN_FD", "3", &Options::fd, "none", "3"),
      valued("uds-mode", "RINGHORN_UDS_MODE", "0600", &Options::uds_mode, "438", "384"),
      valued("uds-owner", "RINGHORN_UDS_OWNER", "www:www", &Options::uds_owner, "", "www:www"),
      valued("backlog", "RINGHORN_BACKLOG", "16", &Options::backlog, "2048", "16"),
      valued("timeout-drain", "RINGHORN_TIMEOUT_DRAIN", "9", &Options::timeout_drain, "3.000000",
             "9.000000"),
      valued("workers", "RINGHORN_WORKERS", "4", &Options::workers, "none", "4"),
      valued("balance", "RINGHORN_BALANCE", "hash", &Options::balance, "0", "1"),
      flag("--preload", "RINGHORN_PRELOAD", "1", &Options::preload, "false", "true"),
      flag("--reload", "RINGHORN_RELOAD", "1", &Options::reload, "false", "true"),
      beside({"--reload"}, valued("reload-dir", "RINGHORN_RELOAD_DIRS", "src",
                                  &Options::reload_dirs, "", "src ")),
      beside({"--reload"}, valued("reload-include", "RINGHORN_RELOAD_INCLUDES", "*.html",
                                  &Options::reload_includes, "", "*.html ")),
      beside({"--reload"}, valued("reload-exclude", "RINGHORN_RELOAD_EXCLUDES", "x*",
                                  &Options::reload_excludes, "", "x* ")),
      beside({"--reload"}, valued("reload-delay", "RINGHORN_RELOAD_DELAY", "1.5",
                                  &Options::reload_delay, "0.250000", "1.500000")),
      valued("timeout-startup", "RINGHORN_TIMEOUT_STARTUP", "1", &Options::timeout_startup,
             "120.000000", "1.000000"),
      valued("timeout-worker-healthcheck", "RINGHORN_TIMEOUT_WORKER_HEALTHCHECK", "0",
             &Options::timeout_worker_healthcheck, "30.000000", "0.000000"),
      valued("limit-max-requests", "RINGHORN_LIMIT_MAX_REQUESTS", "50",
             &Options::limit_max_requests, "0", "50"),
      beside({"--limit-max-requests", "1"},
             valued("limit-max-requests-jitter", "RINGHORN_LIMIT_MAX_REQUESTS_JITTER", "7",
                    &Options::limit_max_requests_jitter, "0", "7")),
      valued("limit-max-rss", "RINGHORN_LIMIT_MAX_RSS", "512", &Options::limit_max_rss, "0", "512"),
      valued("limit-max-age", "RINGHORN_LIMIT_MAX_AGE", "3600", &Options::limit_max_age, "0.000000",
             "3600.000000"),
      valued("log-level", "RINGHORN_LOG_LEVEL", "TRACE", &Options::log_level, "3", "5"),
      flag("--no-access-log", "RINGHORN_ACCESS_LOG", "off", &Options::access_log, "true", "false"),
      flag("--use-colors", "RINGHORN_USE_COLORS", "yes", &Options::use_colors, "none", "true"),
      flag("--no-use-colors", "RINGHORN_USE_COLORS", "N", &Options::use_colors, "none", "false"),
      {"header",
       {"--header", "X-A:1", "--header", "X-B: two words"},
       "RINGHORN_HEADERS",
       "X-A:1 X-B:2",
       member(&Options::headers),
       "",
       "[x-a|1][x-b|"},
      valued("health-check-path", "RINGHORN_HEALTH_CHECK_PATH", "/up", &Options::health_check_path,
             "", "/up"),
      flag("--no-server-header", "RINGHORN_SERVER_HEADER", "0", &Options::server_header, "true",
           "false"),
      flag("--no-date-header", "RINGHORN_DATE_HEADER", "f", &Options::date_header, "true", "false"),
      valued("timeout-keep-alive", "RINGHORN_TIMEOUT_KEEP_ALIVE", "0.25",
             &Options::timeout_keep_alive, "5.000000", "0.250000"),
      valued("timeout-graceful-shutdown", "RINGHORN_TIMEOUT_GRACEFUL_SHUTDOWN", "0",
             &Options::timeout_graceful_shutdown, "none", "0.000000"),
      valued("drain-delay", "RINGHORN_DRAIN_DELAY", "2.5", &Options::drain_delay, "0.000000",
             "2.500000"),
      valued("timeout-header", "RINGHORN_TIMEOUT_HEADER", "1.5", &Options::timeout_header,
             "10.000000", "1.500000"),
      valued("timeout-body", "RINGHORN_TIMEOUT_BODY", "1", &Options::timeout_body, "30.000000",
             "1.000000"),
      valued("timeout-write", "RINGHORN_TIMEOUT_WRITE", ".5", &Options::timeout_write, "60.000000",
             "0.500000"),
      valued("limit-concurrency", "RINGHORN_LIMIT_CONCURRENCY", "7", &Options::limit_concurrency,
             "none", "7"),
      valued("limit-request-line", "RINGHORN_LIMIT_REQUEST_LINE", "100",
             &Options::limit_request_line, "8190", "100"),
      valued("limit-header-count", "RINGHORN_LIMIT_HEADER_COUNT", "3", &Options::limit_header_count,
             "100", "3"),
      valued("limit-header-size", "RINGHORN_LIMIT_HEADER_SIZE", "4294967295",
             &Options::limit_header_size, "65536", "4294967295"),
      valued("limit-header-field-size", "RINGHORN_LIMIT_HEADER_FIELD_SIZE", "99",
             &Options::limit_header_field_size, "16384", "99"),
      valued("limit-body-rate", "RINGHORN_LIMIT_BODY_RATE", "4294967295", &Options::limit_body_rate,
             "1", "4294967295"),
      valued("ws", "RINGHORN_WS", "None", &Options::ws, "0", "1"),
      valued("ws-max-size", "RINGHORN_WS_MAX_SIZE", "5000000000", &Options::ws_max_size, "16777216",
             "5000000000"),
      valued("ws-max-queue", "RINGHORN_WS_MAX_QUEUE", "1", &Options::ws_max_queue, "32", "1"),
      valued("ws-max-queue-bytes", "RINGHORN_WS_MAX_QUEUE_BYTES", "9", &Options::ws_max_queue_bytes,
             "4194304", "9"),
      valued("ws-ping-interval", "RINGHORN_WS_PING_INTERVAL", "0", &Options::ws_ping_interval,
             "20.000000", "0.000000"),
      valued("ws-ping-timeout", "RINGHORN_WS_PING_TIMEOUT", "0.5", &Options::ws_ping_timeout,
             "20.000000", "0.500000"),
      valued("ws-per-message-deflate", "RINGHORN_WS_PER_MESSAGE_DEFLATE", "False",
             &Options::ws_per_message_deflate, "true", "false"),
      valued("ws-compress-min-size", "RINGHORN_WS_COMPRESS_MIN_SIZE", "0",
             &Options::ws_compress_min_size, "1024", "0"),
      valued("timeout-ws-handshake", "RINGHORN_TIMEOUT_WS_HANDSHAKE", "1",
             &Options::timeout_ws_handshake, "30.000000", "1.000000"),
      valued("timeout-ws-close", "RINGHORN_TIMEOUT_WS_CLOSE", "0", &Options::timeout_ws_close,
             "10.000000", "0.000000"),
      valued("limit-body", "RINGHORN_LIMIT_BODY", "18446744073709551615", &Options::limit_body, "0",
             "18446744073709551615"),
  };
  return all;
}

std::vector<std::string> with_app(std::vector<std::string> arguments) {
  arguments.push_back("main:app");
  return arguments;
}

}  // namespace

TEST_CASE("parse takes each option from argv, the environment or its default", "[config]") {
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    const bool list = one.name == "header";
    CHECK(one.shown(options_of({"main:app"})) == one.by_default);
    CHECK(one.shown(options_of(with_app(one.arguments))) ==
          one.when_set + (list ? "two words]" : ""));
    CHECK(one.shown(options_of({"main:app"}, {{one.variable, one.value}})) ==
          one.when_set + (list ? "2]" : ""));
  }
}

TEST_CASE("parse lets the command line win over the environment", "[config]") {
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    // The variable holds nonsense: it must not even be read when argv has the option.
    const std::string nonsense = "\x01";
    const Options options = options_of(with_app(one.arguments), {{one.variable, nonsense}});
    CHECK(one.shown(options) == one.when_set + (one.name == "header" ? "two words]" : ""));
  }
}

TEST_CASE("parse covers every option of the environment in these tests", "[config]") {
  for (const OptionRow& row : option_table()) {
    CAPTURE(row.name);
    const bool covered = std::any_of(cases().begin(), cases().end(),
                                     [&row](const Case& one) { return one.name == row.name; });
    // APP, flags and actions have tests of their own.
    CHECK(covered == (row.kind == Kind::value || row.kind == Kind::repeated));
  }
}

TEST_CASE("parse takes the application from argv or RINGHORN_APP", "[config]") {
  CHECK(options_of({"pkg.main:create.app"}).app == "pkg.main:create.app");
  CHECK(options_of({}, {{"RINGHORN_APP", "a:b"}}).app == "a:b");
  CHECK(options_of({"c:d"}, {{"RINGHORN_APP", "a:b"}}).app == "c:d");
  CHECK(options_of({"--port", "1", "--", "c:d"}).app == "c:d");
  CHECK(options_of({"c:d", "--port", "1"}).port == 1);
}

TEST_CASE("parse ignores uvicorn's variables and empty ones", "[config]") {
  const Options options = options_of({"main:app"}, {{"UVICORN_PORT", "1"},
                                                    {"UVICORN_WORKERS", "4"},
                                                    {"RINGHORN_PORT", ""},
                                                    {"RINGHORN_FACTORY", ""},
                                                    {"WEB_CONCURRENCY", ""}});
  CHECK(options.port == 8000);
  CHECK_FALSE(options.workers);
  CHECK_FALSE(options.factory);
}

TEST_CASE("parse takes WEB_CONCURRENCY when nothing else says how many workers", "[config]") {
  const Variables four = {{"WEB_CONCURRENCY", "4"}};
  CHECK(options_of({"main:app"}, four).workers == 4U);
  CHECK(options_of({"main:app", "-w", "2"}, four).workers == 2U);
  CHECK(options_of({"main:app"}, {{"WEB_CONCURRENCY", "4"}, {"RINGHORN_WORKERS", "3"}}).workers ==
        3U);
  CHECK(ringhorn::config::test::refusal({"main:app"}, {{"WEB_CONCURRENCY", "many"}}) ==
        "WEB_CONCURRENCY: 'many' is not a count of workers: give a whole number from 1 to 500");
}

TEST_CASE("parse ignores the RINGHORN_PORT of a Kubernetes service", "[config]") {
  const Variables link = {{"RINGHORN_PORT", "tcp://10.0.0.1:80"},
                          {"RINGHORN_PORT_80_TCP", "tcp://10.0.0.1:80"},
                          {"RINGHORN_SERVICE_HOST", "10.0.0.1"},
                          {"RINGHORN_SERVICE_PORT", "80"}};
  CHECK(options_of({"main:app"}, link).port == 8000);
}

TEST_CASE("parse reads every spelling that click reads", "[config]") {
  CHECK(options_of({"main:app", "--port=81"}).port == 81);
  CHECK(options_of({"main:app", "--port", "81", "--port=82"}).port == 82);
  CHECK(options_of({"--root-path=", "main:app"}).app == "main:app");
  CHECK(options_of({"main:app", "--root-path", ""}).root_path.empty());
  CHECK(options_of({"main:app", "--root-path", "--port"}).root_path == "--port");
  CHECK(options_of({"main:app", "--root-path", "[a,b]"}).root_path == "[a,b]");
  CHECK(options_of({"main:app", "--no-access-log", "--access-log"}).access_log);
  CHECK_FALSE(options_of({"main:app", "--access-log", "--no-access-log"}).access_log);
  CHECK_FALSE(options_of({"main:app", "--access-log=off"}).access_log);
}

TEST_CASE("parse reads words in any case", "[config]") {
  CHECK(options_of({"main:app", "--log-level", "Warning"}).log_level == LogLevel::warning);
  CHECK(options_of({"main:app", "--lifespan", "OFF"}).lifespan == Lifespan::off);
  for (const std::string word : {"1", "t", "TRUE", "y", "Yes", "on", " true "}) {
    CHECK(options_of({"main:app"}, {{"RINGHORN_FACTORY", word}}).factory);
  }
  for (const std::string word : {"0", "f", "FALSE", "n", "No", "off"}) {
    CHECK_FALSE(options_of({"main:app"}, {{"RINGHORN_ACCESS_LOG", word}}).access_log);
  }
}

TEST_CASE("parse makes header lines that need no second look", "[config]") {
  const auto header = [](const std::string& text) {
    return text_of(options_of({"main:app", "--header", text}).headers);
  };
  CHECK(header("Server:mine") == "[server|mine]");
  CHECK(header("X-Empty:") == "[x-empty|]");
  CHECK(header("X-Time: \t 10:30 \t") == "[x-time|10:30]");
  CHECK(header("x-tab:a\tb") == "[x-tab|a\tb]");
  CHECK(header("x-utf8:\xC3\xA9") == "[x-utf8|\xC3\xA9]");
  CHECK(options_of({"m:a"}, {{"RINGHORN_HEADERS", " \t a:1\n b:2  "}}).headers.size() == 2);
}

TEST_CASE("parse reads times from nothing to a lifetime", "[config]") {
  const auto time = [](const std::string& text) {
    return options_of({"main:app", "--timeout-header", text}).timeout_header;
  };
  CHECK(time("0") == 0);
  CHECK_FALSE(std::signbit(time("-0")));
  CHECK(time("0.001") == 0.001);
  CHECK(time("1000000000") == Options::seconds_max);
}

TEST_CASE("parse answers any argv with options or a refusal", "[config]") {
  const std::vector<std::string> odd = {"",           "-",
                                        "--",         "---",
                                        "++",         "--=",
                                        "-=",         "=",
                                        "--port",     "--port=",
                                        "-h=x",       "--help=no",
                                        "--factory=", "-1",
                                        "%",          "{}",
                                        "[]",         "--no-access-log=5",
                                        "--header",   "main:app",
                                        "[main:app]", "--no-factory=",
                                        "--port=--",  "--access-log={}"};
  for (const std::string& first : odd) {
    for (const std::string& second : odd) {
      for (const std::string last : {"main:app", "--port"}) {
        CAPTURE(first, second, last);
        auto result = ringhorn::config::test::parse_with({first, second, last});
        const bool whole = result || (result.error().text.size() > 20 &&
                                      (result.error().status == 0 || result.error().status == 2));
        CHECK(whole);
      }
    }
  }
}
