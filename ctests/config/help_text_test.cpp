#include "config/help_text.hpp"

#include <string>
#include <string_view>

#include "config/option_table.hpp"
#include "config/support.hpp"

using namespace ringhorn::config;
using ringhorn::config::test::parse_with;

namespace {

/// A snapshot: a change of the option table shows here as its users will see it.
constexpr std::string_view expected = R"(
Usage: ringhorn [OPTIONS] APP
Example: ringhorn main:app --host 0.0.0.0 --port 8080

Serves an ASGI application over HTTP/1.1 and WebSocket. Each option can be set
by the environment variable in its brackets too; the command line wins.

Application:
  APP                             The application as module:attribute, for
                                  instance main:app.
                                  [RINGHORN_APP]
  --app-dir PATH                  Look for the module in this directory first.
                                  [default: current directory; RINGHORN_APP_DIR]
  --chdir PATH                    Go to this directory first of all; every other
                                  path is looked up there.
                                  [RINGHORN_CHDIR]
  --env-file PATH                 Set the variables of this file (NAME=value)
                                  for the application; those that are set
                                  already stay. It does not configure the
                                  server, but for WEB_CONCURRENCY.
                                  [RINGHORN_ENV_FILE]
  --factory                       APP is a function that takes no arguments and
                                  returns the application.
                                  [default: off; RINGHORN_FACTORY]
  --lifespan auto|on|off          Tell the application when the server starts
                                  and stops.
                                  [default: auto; RINGHORN_LIFESPAN]
  --root-path TEXT                The path under which a proxy serves the
                                  application (ASGI root_path).
                                  [RINGHORN_ROOT_PATH]
  --loop NAME                     Run the application on this event loop: auto
                                  or ringhorn (its own), asyncio, uvloop, or
                                  module:factory.
                                  [default: auto; RINGHORN_LOOP]

Address:
  --host TEXT                     Listen on this address or host name.
                                  [default: 127.0.0.1; RINGHORN_HOST]
  --port PORT                     Listen on this port; 0 takes a free one.
                                  [default: 8000; RINGHORN_PORT]
  --bind, -b ADDRESS              Listen here: host:port, [v6]:port, unix:path,
                                  unix:@name or fd://number, instead of --host
                                  and --port. May be given several times; the
                                  variable holds a list split on white space.
                                  [RINGHORN_BINDS]
  --uds PATH                      Listen on this Unix socket instead of --host
                                  and --port.
                                  [RINGHORN_UDS]
  --fd NUMBER                     Listen on this inherited descriptor instead of
                                  --host and --port.
                                  [RINGHORN_FD]
  --uds-mode OCTAL                Permissions of Unix sockets that are made
                                  here.
                                  [default: 666; RINGHORN_UDS_MODE]
  --uds-owner USER:GROUP          Owner of Unix sockets that are made here:
                                  user, user:group or :group.
                                  [RINGHORN_UDS_OWNER]
  --backlog COUNT                 Connections that may wait to be accepted.
                                  [default: 2048; RINGHORN_BACKLOG]

Processes:
  --workers, -w COUNT             Serve with this many processes under a
                                  supervisor that replaces, reloads and drains
                                  them; WEB_CONCURRENCY sets it too. Without it
                                  one process serves alone.
                                  [RINGHORN_WORKERS]
  --balance shared|hash           All workers take connections from one socket,
                                  or each from one of its own, to which the
                                  kernel spreads them by hash.
                                  [default: shared; RINGHORN_BALANCE]
  --preload                       Import the application once, in a process from
                                  which all workers are forked: they share its
                                  memory. No event loop runs meanwhile, and
                                  threads that the import starts are missing in
                                  the workers.
                                  [default: off; RINGHORN_PRELOAD]
  --reload                        For development: start the application anew
                                  when its files change. Requests wait
                                  meanwhile.
                                  [default: off; RINGHORN_RELOAD]
  --reload-dir PATH               With --reload, watch this directory instead of
                                  the current one and --app-dir. May be given
                                  several times; the variable holds a list split
                                  on white space.
                                  [RINGHORN_RELOAD_DIRS]
  --reload-include PATTERN        With --reload, watch files of this pattern,
                                  too, not only *.py. May be given several
                                  times; the variable holds a list split on
                                  white space.
                                  [RINGHORN_RELOAD_INCLUDES]
  --reload-exclude PATTERN        With --reload, leave out files of this
                                  pattern, or a directory. May be given several
                                  times; the variable holds a list split on
                                  white space.
                                  [RINGHORN_RELOAD_EXCLUDES]
  --reload-delay SECONDS          With --reload, wait so long after a change for
                                  more of them.
                                  [default: 0.25; RINGHORN_RELOAD_DELAY]
  --timeout-startup SECONDS       Time for a worker to start the application; 0
                                  for no limit.
                                  [default: 120; RINGHORN_TIMEOUT_STARTUP]
  --timeout-worker-healthcheck SECONDS
                                  Replace a worker whose event loop stands still
                                  this long; 0 for never.
                                  [default: 30;
                                  RINGHORN_TIMEOUT_WORKER_HEALTHCHECK]
  --limit-max-requests COUNT      Replace a worker once it has answered this
                                  many requests; 0 for never.
                                  [default: 0; RINGHORN_LIMIT_MAX_REQUESTS]
  --limit-max-requests-jitter COUNT
                                  Let each worker answer up to this many
                                  requests more, by chance.
                                  [default: 0;
                                  RINGHORN_LIMIT_MAX_REQUESTS_JITTER]
  --limit-max-rss MIB             Replace a worker that uses more memory than
                                  this; 0 for never.
                                  [default: 0; RINGHORN_LIMIT_MAX_RSS]
  --limit-max-age SECONDS         Replace a worker that has served for so long;
                                  0 for never.
                                  [default: 0; RINGHORN_LIMIT_MAX_AGE]
  --pid PATH                      Keep a file here that holds the number of the
                                  process.
                                  [RINGHORN_PID]
  --user, -u USER                 Run as this user (name or number) once the
                                  sockets are open.
                                  [RINGHORN_USER]
  --group, -g GROUP               Run as this group (name or number) once the
                                  sockets are open.
                                  [default: the user's; RINGHORN_GROUP]
  --umask, -m OCTAL               Permissions that new files of the application
                                  do not get.
                                  [RINGHORN_UMASK]

Log:
  --log-level LEVEL               Write lines of this level and above: critical,
                                  error, warning, info, debug, trace.
                                  [default: info; RINGHORN_LOG_LEVEL]
  --access-log / --no-access-log  Write a line for each request.
                                  [default: on; RINGHORN_ACCESS_LOG]
  --use-colors / --no-use-colors  Write the log in colours.
                                  [default: on a terminal; RINGHORN_USE_COLORS]

Responses:
  --header NAME:VALUE             Add this header to every response. May be
                                  given several times; the variable holds a list
                                  split on white space.
                                  [RINGHORN_HEADERS]
  --health-check-path PATH        Answer GET and HEAD of exactly this path
                                  without the application: 200, and 503 once the
                                  server is about to stop.
                                  [RINGHORN_HEALTH_CHECK_PATH]
  --server-header / --no-server-header
                                  Send the Server header.
                                  [default: on; RINGHORN_SERVER_HEADER]
  --date-header / --no-date-header
                                  Send the Date header.
                                  [default: on; RINGHORN_DATE_HEADER]

WebSockets:
  --ws auto|none                  Serve WebSockets; with none their handshakes
                                  are plain requests.
                                  [default: auto; RINGHORN_WS]
  --ws-max-size BYTES             Longest message from a client, decompressed.
                                  [default: 16777216; RINGHORN_WS_MAX_SIZE]
  --ws-max-queue COUNT            Messages that may wait for the application
                                  before a client is held back.
                                  [default: 32; RINGHORN_WS_MAX_QUEUE]
  --ws-max-queue-bytes BYTES      Bytes of messages that may wait for the
                                  application before a client is held back.
                                  [default: 4194304;
                                  RINGHORN_WS_MAX_QUEUE_BYTES]
  --ws-ping-interval SECONDS      Time between two pings to a client; 0 for
                                  none.
                                  [default: 20; RINGHORN_WS_PING_INTERVAL]
  --ws-ping-timeout SECONDS       Time for a client to answer a ping; 0 for no
                                  limit.
                                  [default: 20; RINGHORN_WS_PING_TIMEOUT]
  --ws-per-message-deflate BOOLEAN
                                  Compress messages when the client offers it.
                                  [default: true;
                                  RINGHORN_WS_PER_MESSAGE_DEFLATE]
  --ws-compress-min-size BYTES    Send messages below this size uncompressed.
                                  [default: 1024; RINGHORN_WS_COMPRESS_MIN_SIZE]

Times:
  --timeout-keep-alive SECONDS    Close a connection that is idle this long
                                  between two requests.
                                  [default: 5; RINGHORN_TIMEOUT_KEEP_ALIVE]
  --timeout-graceful-shutdown SECONDS
                                  Wait this long for running requests when the
                                  server stops.
                                  [default: no limit;
                                  RINGHORN_TIMEOUT_GRACEFUL_SHUTDOWN]
  --timeout-drain SECONDS         When the server stops, tell streams after this
                                  time that their client has left, and close
                                  WebSockets (1012) that have a message in hand;
                                  0 for never.
                                  [default: 3; RINGHORN_TIMEOUT_DRAIN]
  --drain-delay SECONDS           After SIGTERM serve on for so long while
                                  health checks are told 503, so that load
                                  balancers look away first.
                                  [default: 0; RINGHORN_DRAIN_DELAY]
  --timeout-header SECONDS        Time for a client to send a request's head; 0
                                  for no limit.
                                  [default: 10; RINGHORN_TIMEOUT_HEADER]
  --timeout-body SECONDS          Time between two pieces of a request's body; 0
                                  for no limit.
                                  [default: 30; RINGHORN_TIMEOUT_BODY]
  --timeout-write SECONDS         Time for a client to take more of a response;
                                  0 for no limit.
                                  [default: 60; RINGHORN_TIMEOUT_WRITE]
  --timeout-ws-handshake SECONDS  Time for the application to accept or deny a
                                  WebSocket; 0 for no limit.
                                  [default: 30; RINGHORN_TIMEOUT_WS_HANDSHAKE]
  --timeout-ws-close SECONDS      Time for a client to answer a WebSocket's
                                  Close; 0 for no limit.
                                  [default: 10; RINGHORN_TIMEOUT_WS_CLOSE]

Limits:
  --limit-concurrency COUNT       Answer 503 when this many connections or
                                  requests are under way.
                                  [default: no limit;
                                  RINGHORN_LIMIT_CONCURRENCY]
  --limit-request-line BYTES      Longest request line.
                                  [default: 8190; RINGHORN_LIMIT_REQUEST_LINE]
  --limit-header-count COUNT      Most header fields in a request.
                                  [default: 100; RINGHORN_LIMIT_HEADER_COUNT]
  --limit-header-size BYTES       Most bytes of all header fields of a request
                                  together.
                                  [default: 65536; RINGHORN_LIMIT_HEADER_SIZE]
  --limit-header-field-size BYTES
                                  Longest single header field.
                                  [default: 16384;
                                  RINGHORN_LIMIT_HEADER_FIELD_SIZE]
  --limit-body BYTES              Longest request body; 0 for no limit.
                                  [default: 0; RINGHORN_LIMIT_BODY]
  --limit-body-rate BYTES         Fewest bytes per second of a request's body
                                  that the application waits for, once it has
                                  waited for --timeout-body in all; 0 for no
                                  limit.
                                  [default: 1; RINGHORN_LIMIT_BODY_RATE]

Other:
  --io auto|uring|epoll           Serve through io_uring or epoll; auto takes
                                  io_uring where the system allows it.
                                  [default: auto; RINGHORN_IO]
  --check-config                  Import the application, say whether everything
                                  is right, and exit.
                                  [default: off; RINGHORN_CHECK_CONFIG]
  --version                       Show the versions and exit.
  --help                          Show this text and exit.
)";

}  // namespace

TEST_CASE("help text is the one of the snapshot", "[config]") {
  CHECK(help_text() == expected.substr(1));
}

TEST_CASE("help text fits 80 columns and names every option and variable", "[config]") {
  const std::string text = help_text();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    CHECK(end - at <= 80);
    CHECK((end == at || text[end - 1] != ' '));
    at = end + 1;
  }
  for (const OptionRow& row : option_table()) {
    CAPTURE(row.name);
    CHECK(text.find("\n  " + spelling_of(row)) != std::string::npos);
    CHECK(text.find(variable_of(row)) != std::string::npos);
  }
}

TEST_CASE("parse answers --help and --version with status 0, whatever else is wrong", "[config]") {
  for (const std::string option : {"--help", "-h"}) {
    auto help = parse_with({"--port", "80x", option, "--reload"});
    REQUIRE_FALSE(help);
    CHECK(help.error().status == 0);
    CHECK(help.error().text == help_text());
  }
  auto version = parse_with({"--version"}, {{"RINGHORN_PORT", "80x"}});
  REQUIRE_FALSE(version);
  CHECK(version.error().status == 0);
  CHECK(version.error().text == "Running ringhorn " RINGHORN_VERSION
                                " with CPython 3.11.2 on Linux\n");
}
