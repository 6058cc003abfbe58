#include <algorithm>
#include <string>
#include <vector>

#include "config/support.hpp"
#include "config/unavailable.hpp"

using namespace ringhorn::config;
using ringhorn::config::test::options_of;
using ringhorn::config::test::parse_with;
using ringhorn::config::test::refusal;
using ringhorn::config::test::Variables;

namespace {

constexpr const char* not_yet = " is not available yet in Ringhorn " RINGHORN_VERSION ": ";

struct Wrong {
  std::string option;
  std::string variable;
  std::vector<std::string> values;
  std::string expected;
};

const std::vector<std::string> wrong_times = {"-1", "x", "1s", "nan", "inf", "1e3", "1000000001"};
const std::string time_expected = "a time: give seconds, 0 or more, for instance 2.5";
const std::vector<std::string> wrong_sizes = {"0", "-1", "4294967296", "1k", "1.5", "0x10"};
const std::string size_expected = "a size in bytes: give a whole number from 1 to 4294967295";
const std::string count_expected = "a count: give a whole number from 1 to 4294967295";

const std::vector<Wrong>& wrong_values() {
  static const std::vector<Wrong> all = {
      {"--port",
       "RINGHORN_PORT",
       {"80x", "-1", "65536", "+80", " 80", "8.0", "http"},
       "a port number: give a number from 0 to 65535"},
      {"--host",
       "RINGHORN_HOST",
       {"a b", "http://x", "\t"},
       "a host: give a name or an address, for instance 0.0.0.0 or ::"},
      {"--backlog",
       "RINGHORN_BACKLOG",
       {"0", "-5", "2147483648"},
       "a backlog: give a whole number from 1 to 2147483647"},
      {"--bind",
       "RINGHORN_BINDS",
       {"::1:80", "host:x", "unix:", "fd://x", ":"},
       "an address: give host:port, [v6]:port, unix:path, unix:@name or fd://number"},
      {"--uds",
       "RINGHORN_UDS",
       {"@name", std::string(108, 'x')},
       "a path for a Unix socket: give at most 107 bytes"},
      {"--workers",
       "RINGHORN_WORKERS",
       {"0", "501", "-1", "auto", "2.5"},
       "a count of workers: give a whole number from 1 to 500"},
      {"--timeout-drain", "RINGHORN_TIMEOUT_DRAIN", wrong_times, time_expected},
      {"--limit-max-requests",
       "RINGHORN_LIMIT_MAX_REQUESTS",
       {"-1", "x", "1.5"},
       "a count: give a whole number, 0 or more"},
      {"--limit-max-requests-jitter",
       "RINGHORN_LIMIT_MAX_REQUESTS_JITTER",
       {"-1", "x", "4294967296"},
       "a count: give a whole number, 0 or more"},
      {"--limit-max-rss",
       "RINGHORN_LIMIT_MAX_RSS",
       {"-1", "1G"},
       "an amount of memory: give mebibytes as a whole number, 0 or more"},
      {"--limit-max-age", "RINGHORN_LIMIT_MAX_AGE", wrong_times, time_expected},
      {"--timeout-startup", "RINGHORN_TIMEOUT_STARTUP", wrong_times, time_expected},
      {"--timeout-worker-healthcheck", "RINGHORN_TIMEOUT_WORKER_HEALTHCHECK", wrong_times,
       time_expected},
      {"--fd", "RINGHORN_FD", {"-1", "x", "3.5"}, "a descriptor: give its number, for instance 3"},
      {"--uds-mode",
       "RINGHORN_UDS_MODE",
       {"rw", "888", "1777", "-1", "0o66"},
       "a mode: give octal permissions, for instance 660"},
      {"--umask",
       "RINGHORN_UMASK",
       {"rw", "888", "1777"},
       "a mask: give octal permissions, for instance 027"},
      {"--uds-owner",
       "RINGHORN_UDS_OWNER",
       {":", "a:", "a:b:c", "a b"},
       "an owner: give user, user:group or :group"},
      {"--lifespan",
       "RINGHORN_LIFESPAN",
       {"maybe", "true"},
       "a way to run lifespan: give auto, on or off"},
      {"--io",
       "RINGHORN_IO",
       {"io_uring", "kqueue", "1"},
       "a way to do I/O: give auto, uring or epoll"},
      {"--loop",
       "RINGHORN_LOOP",
       {"trio", "uvloop:", ":new_event_loop", "a/b:c"},
       "an event loop: give auto, ringhorn, asyncio, uvloop, none or module:factory"},
      {"--log-level",
       "RINGHORN_LOG_LEVEL",
       {"loud", "warn", "30"},
       "a log level: give critical, error, warning, info, debug or trace"},
      {"--timeout-keep-alive", "RINGHORN_TIMEOUT_KEEP_ALIVE", wrong_times, time_expected},
      {"--timeout-graceful-shutdown", "RINGHORN_TIMEOUT_GRACEFUL_SHUTDOWN", wrong_times,
       time_expected},
      {"--timeout-header", "RINGHORN_TIMEOUT_HEADER", wrong_times, time_expected},
      {"--timeout-body", "RINGHORN_TIMEOUT_BODY", wrong_times, time_expected},
      {"--timeout-write", "RINGHORN_TIMEOUT_WRITE", wrong_times, time_expected},
      {"--limit-concurrency", "RINGHORN_LIMIT_CONCURRENCY", wrong_sizes, count_expected},
      {"--limit-request-line", "RINGHORN_LIMIT_REQUEST_LINE", wrong_sizes, size_expected},
      {"--limit-header-count", "RINGHORN_LIMIT_HEADER_COUNT", wrong_sizes, count_expected},
      {"--limit-header-size", "RINGHORN_LIMIT_HEADER_SIZE", wrong_sizes, size_expected},
      {"--limit-header-field-size", "RINGHORN_LIMIT_HEADER_FIELD_SIZE", wrong_sizes, size_expected},
      {"--limit-body",
       "RINGHORN_LIMIT_BODY",
       {"-1", "x", "18446744073709551616"},
       "a size in bytes: give a whole number, 0 or more"},
      {"--limit-body-rate",
       "RINGHORN_LIMIT_BODY_RATE",
       {"-1", "x", "4294967296"},
       "a rate in bytes per second: give a whole number from 0 to 4294967295"},
      {"--drain-delay", "RINGHORN_DRAIN_DELAY", wrong_times, time_expected},
      {"--health-check-path",
       "RINGHORN_HEALTH_CHECK_PATH",
       {"health", "/a?b", "/a b", "/#", "/\xc3\xa4"},
       "a path for health checks: give one that begins with /, without query, for instance "
       "/health"},
      {"--header",
       "RINGHORN_HEADERS",
       {"x", ":1", "x_@y:1", "Content-Length:5", "transfer-encoding:chunked", "Connection:close",
        "x:\x01", "x:\x7F"},
       "a response header: give NAME:VALUE with a plain name, no control characters, and neither "
       "Connection, Content-Length nor Transfer-Encoding"},
  };
  return all;
}

}  // namespace

TEST_CASE("parse refuses wrong values with what to do", "[config]") {
  for (const Wrong& wrong : wrong_values()) {
    for (const std::string& value : wrong.values) {
      CAPTURE(wrong.option, value);
      std::string shown = value;  // on one line
      std::replace_if(
          shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
      const std::string rest = ": '" + shown + "' is not " + wrong.expected;
      CHECK(refusal({"main:app", wrong.option, value}) == wrong.option + rest);
      // A variable of white space alone is an empty list for RINGHORN_HEADERS only.
      CHECK(refusal({"main:app"}, {{wrong.variable, value}}) == wrong.variable + rest);
    }
  }
}

TEST_CASE("parse refuses wrong words for flags", "[config]") {
  for (const std::string name :
       {"FACTORY", "CHECK_CONFIG", "ACCESS_LOG", "USE_COLORS", "SERVER_HEADER", "DATE_HEADER"}) {
    const std::string variable = "RINGHORN_" + name;
    CHECK(refusal({"main:app"}, {{variable, "maybe"}}) ==
          variable + ": 'maybe' is not true or false: give one of these two");
  }
  CHECK(refusal({"main:app", "--factory=maybe"}) ==
        "--factory: 'maybe' is not true or false: give one of these two");
}

TEST_CASE("parse writes a refusal as two lines", "[config]") {
  auto result = parse_with({"main:app", "--port", "80x"});
  REQUIRE_FALSE(result);
  CHECK(result.error().status == 2);
  CHECK(result.error().text ==
        "ringhorn: --port: '80x' is not a port number: give a number from 0 to 65535\n"
        "Try 'ringhorn --help'.\n");
}

TEST_CASE("parse refuses an application that is none", "[config]") {
  const std::string expected =
      " is not an application: give it as module:attribute, for instance main:app";
  for (const std::string text : {"main", "main.py", ":app", "main:", ":", "src/main:app"}) {
    CHECK(refusal({text}) == "APP: '" + text + "'" + expected);
    CHECK(refusal({}, {{"RINGHORN_APP", text}}) == "RINGHORN_APP: '" + text + "'" + expected);
  }
  CHECK(refusal({}) ==
        "no application given: name it as module:attribute, for instance ringhorn main:app");
  CHECK(refusal({"--port", "80"}) == refusal({}));
  CHECK(refusal({"a:b", "c:d"}) == "unexpected argument 'c:d': give one application only");
}

TEST_CASE("parse refuses an option without its value", "[config]") {
  CHECK(refusal({"main:app", "--port"}) == "--port needs a value: write --port PORT");
  CHECK(refusal({"main:app", "--header"}) == "--header needs a value: write --header NAME:VALUE");
  CHECK(refusal({"main:app", "-b"}) == "-b needs a value: write -b ADDRESS");
  CHECK(refusal({"main:app", "--host="}) ==
        "--host: '' is not a host: give a name or an address, for instance 0.0.0.0 or ::");
}

TEST_CASE("parse refuses unknown options and says what was meant", "[config]") {
  CHECK(refusal({"main:app", "--prot", "80"}) == "no such option --prot: did you mean --port?");
  CHECK(refusal({"main:app", "--prot=80"}) == "no such option --prot: did you mean --port?");
  CHECK(refusal({"main:app", "-port", "80"}) == "no such option -port: did you mean --port?");
  CHECK(refusal({"main:app", "--no-acces-log"}) ==
        "no such option --no-acces-log: did you mean --no-access-log?");
  CHECK(refusal({"main:app", "--hlep"}) == "no such option --hlep: did you mean --help?");
  CHECK(refusal({"main:app", "--frobnicate"}) == "no such option --frobnicate");
  CHECK(refusal({"main:app", "-x"}) == "no such option -x");
  CHECK(refusal({"main:app", "--no-factory"}) == "no such option --no-factory");
  CHECK(refusal({"main:app", "--worker", "4"}) ==
        "no such option --worker: did you mean --workers?");
  CHECK(refusal({"main:app", "--proxy-header"}) ==
        "no such option --proxy-header: did you mean --proxy-headers? --proxy-headers" +
            std::string(not_yet) + "forwarded headers are not read; leave it out");
}

TEST_CASE("parse refuses every option of uvicorn that is not built yet", "[config]") {
  for (const std::string name :
       {"ssl-keyfile", "ssl-certfile", "ssl-keyfile-password", "ssl-version", "ssl-cert-reqs",
        "ssl-ca-certs", "ssl-ciphers", "log-config", "proxy-headers", "no-proxy-headers",
        "forwarded-allow-ips", "reset-contextvars", "http2"}) {
    CAPTURE(name);
    const std::string start = "--" + name + not_yet;
    CHECK(refusal({"--" + name, "1", "main:app"}).substr(0, start.size()) == start);
    CHECK(refusal({"main:app", "--" + name + "=1"}).substr(0, start.size()) == start);
    std::string variable = "RINGHORN_" + name;
    for (char& c : variable) {
      c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    }
    const std::string from_variable = variable + ": " + start;
    CHECK(refusal({"main:app"}, {{variable, "1"}}).substr(0, from_variable.size()) ==
          from_variable);
  }
}

TEST_CASE("parse refuses options that would do nothing", "[config]") {
  for (const std::string name : {"reload-dir", "reload-include", "reload-exclude"}) {
    CHECK(refusal({"main:app", "--" + name, "x"}) ==
          "--" + name + " does nothing without --reload: give both, or neither");
    CHECK(refusal({"main:app", "--" + name, "x", "--reload"}) == "(accepted)");
    CHECK(refusal({"main:app", "--" + name, ""}).find("is not a") != std::string::npos);
  }
  CHECK(refusal({"main:app", "--limit-max-requests-jitter", "9"}) ==
        "--limit-max-requests-jitter does nothing without --limit-max-requests: give both, or "
        "neither");
}

TEST_CASE("parse refuses to keep what it is to import at every change", "[config]") {
  CHECK(refusal({"main:app", "--preload", "--reload"}) ==
        "--preload keeps the application imported, --reload starts it anew at every change: give "
        "one of them; SIGHUP reloads with --preload, too");
}

TEST_CASE("parse says that Ringhorn has its own parser and interface", "[config]") {
  CHECK(refusal({"main:app", "--http", "h11"}) ==
        "--http is not an option of Ringhorn: it has its own HTTP parser; leave it out");
  CHECK(refusal({"main:app", "--interface", "asgi3"}) ==
        "--interface is not an option of Ringhorn: it serves ASGI 3 applications; leave it out");
  CHECK(refusal({"main:app", "--h11-max-incomplete-event-size", "1"}) ==
        "--h11-max-incomplete-event-size is not an option of Ringhorn: it has its own HTTP parser; "
        "use --limit-header-size");
  CHECK(refusal({"main:app"}, {{"RINGHORN_HTTP", "h11"}}) ==
        "RINGHORN_HTTP: --http is not an option of Ringhorn: it has its own HTTP parser; leave it "
        "out");
}

TEST_CASE("parse knows gunicorn's options, long and short", "[config]") {
  CHECK(refusal({"main:app", "-t", "9"}) ==
        "-t is an option of gunicorn, not of Ringhorn: use --timeout-worker-healthcheck");
  CHECK(refusal({"-k", "uvicorn.workers.UvicornWorker", "main:app"}) ==
        "-k is an option of gunicorn, not of Ringhorn: it has its own workers; leave it out");
  CHECK(refusal({"main:app", "--keep-alive", "2"}) ==
        "--keep-alive is an option of gunicorn, not of Ringhorn: use --timeout-keep-alive");
}

TEST_CASE("parse refuses each row of the table of unavailable options", "[config]") {
  for (const UnavailableRow& row : unavailable_table()) {
    std::string name(row.name);
    name = name.back() == '*' ? name.substr(0, name.size() - 1) + "x" : name;
    CAPTURE(name);
    CHECK(refusal({"main:app", "--" + name}) == refusal_of(row, "--" + name));
    if (row.letter != 0) {
      const std::string letter = std::string("-") + row.letter;
      CHECK(refusal({"main:app", letter}) == refusal_of(row, letter));
    }
  }
}

TEST_CASE("parse refuses misspelt variables and leaves strangers alone", "[config]") {
  const auto variable = [](const std::string& name) {
    return refusal({"main:app"}, {{name, "1"}});
  };
  CHECK(variable("RINGHORN_PROT") == "no such variable RINGHORN_PROT: did you mean RINGHORN_PORT?");
  CHECK(variable("RINGHORN_HEADER") ==
        "no such variable RINGHORN_HEADER: did you mean RINGHORN_HEADERS?");
  CHECK(variable("RINGHORN_NO_ACCESS_LOG") ==
        "no such variable RINGHORN_NO_ACCESS_LOG: did you mean RINGHORN_ACCESS_LOG?");
  CHECK(variable("RINGHORN_TIMEOUT_KEEPALIVE") ==
        "no such variable RINGHORN_TIMEOUT_KEEPALIVE: did you mean RINGHORN_TIMEOUT_KEEP_ALIVE?");
  CHECK(variable("RINGHORN_WORKER") ==
        "no such variable RINGHORN_WORKER: did you mean RINGHORN_WORKERS?");
  for (const std::string stranger :
       {"RINGHORN_VERSION", "RINGHORN_HELP", "RINGHORN_HOME", "RINGHORN_ENV", "RINGHORN_USER",
        "RINGHORN_DATABASE_URL", "RINGHORN_", "RINGHORN_W", "PORT", "UVICORN_PROT"}) {
    CHECK(variable(stranger) == "(accepted)");
  }
}
