#include <ringhorn/telemetry/log.hpp>

#include <pty.h>
#include <stdlib.h>

#include <string>

#include "telemetry/support.hpp"

using namespace ringhorn;
using namespace ringhorn::telemetry;
using ringhorn::telemetry::test::Pipe;

namespace {

constexpr AccessRecord hello = {"1.2.3.4:5", "GET", "/", "1.1", 200};
const std::string hello_line = "INFO:     1.2.3.4:5 - \"GET / HTTP/1.1\" 200 OK\n";

}  // namespace

TEST_CASE("Log prefixes each level as uvicorn", "[telemetry]") {
  Pipe errors;
  Pipe accesses;
  Log log(Level::trace, Colors::never, errors.writer.value(), accesses.writer.value());
  log.trace("text");
  log.debug("text");
  log.info("text");
  log.warning("text");
  log.error("text");
  log.critical("text");
  CHECK(errors.take() ==
        "TRACE:    text\nDEBUG:    text\nINFO:     text\nWARNING:  text\nERROR:    text\n"
        "CRITICAL: text\n");
  CHECK(accesses.take().empty());
  CHECK_FALSE(log.colored());
}

TEST_CASE("Log colours each level as uvicorn", "[telemetry]") {
  Pipe errors;
  Pipe accesses;
  Log log(Level::trace, Colors::always, errors.writer.value(), accesses.writer.value());
  log.trace("text");
  log.debug("text");
  log.info("text");
  log.warning("text");
  log.error("text");
  log.critical("text");
  CHECK(errors.take() ==
        "\x1b[34mTRACE\x1b[0m:    text\n\x1b[36mDEBUG\x1b[0m:    text\n"
        "\x1b[32mINFO\x1b[0m:     text\n\x1b[33mWARNING\x1b[0m:  text\n"
        "\x1b[31mERROR\x1b[0m:    text\n\x1b[91mCRITICAL\x1b[0m: text\n");
  CHECK(log.colored());
}

TEST_CASE("Log writes what its level enables", "[telemetry]") {
  Pipe errors;
  Pipe accesses;
  Log log(Level::warning, Colors::never, errors.writer.value(), accesses.writer.value());
  CHECK_FALSE(log.enabled(Level::info));
  CHECK(log.enabled(Level::warning));
  log.info("not shown");
  log.warning("shown");
  CHECK(errors.take() == "WARNING:  shown\n");
}

TEST_CASE("Log colours terminals only when left to itself", "[telemetry]") {
  int master = -1;
  int terminal = -1;
  REQUIRE(::openpty(&master, &terminal, nullptr, nullptr, nullptr) == 0);
  const base::UniqueFd own_master(master);
  const base::UniqueFd own_terminal(terminal);
  // Conventions of other programs, which uvicorn does not follow.
  ::setenv("NO_COLOR", "1", 1);
  Pipe pipe;
  const Log on_terminal(Level::info, Colors::automatic, terminal, pipe.writer.value());
  CHECK(on_terminal.colored());
  const Log forbidden(Level::info, Colors::never, terminal, terminal);
  CHECK_FALSE(forbidden.colored());
  ::setenv("FORCE_COLOR", "1", 1);
  const Log on_pipe(Level::info, Colors::automatic, pipe.writer.value(), terminal);
  CHECK_FALSE(on_pipe.colored());
  ::unsetenv("NO_COLOR");
  ::unsetenv("FORCE_COLOR");
}

TEST_CASE("Log reaches a terminal", "[telemetry]") {
  int master = -1;
  int terminal = -1;
  REQUIRE(::openpty(&master, &terminal, nullptr, nullptr, nullptr) == 0);
  const base::UniqueFd own_master(master);
  const base::UniqueFd own_terminal(terminal);
  Log log(Level::info, Colors::automatic, terminal, terminal);
  log.access(hello);
  log.info("text");
  const std::string expected =
      "\x1b[32mINFO\x1b[0m:     1.2.3.4:5 - \"\x1b[1mGET / HTTP/1.1\x1b[0m\" \x1b[32m200 "
      "OK\x1b[0m\r\n\x1b[32mINFO\x1b[0m:     text\r\n";
  std::string text;
  while (text.size() < expected.size()) {
    char bytes[256];
    const ssize_t count = ::read(master, bytes, sizeof bytes);
    REQUIRE(count > 0);
    text.append(bytes, static_cast<std::size_t>(count));
  }
  CHECK(text == expected);
}

TEST_CASE("Log gathers access lines until flush", "[telemetry]") {
  Pipe errors;
  Pipe accesses;
  Log log(Level::info, Colors::never, errors.writer.value(), accesses.writer.value());
  log.access(hello);
  log.access(hello);
  CHECK(accesses.take().empty());
  log.flush();
  CHECK(accesses.take() == hello_line + hello_line);
  log.flush();
  CHECK(accesses.take().empty());
}

TEST_CASE("Log shows access lines before a later message", "[telemetry]") {
  Pipe errors;
  Pipe accesses;
  Log log(Level::info, Colors::never, errors.writer.value(), accesses.writer.value());
  log.access(hello);
  log.info("later");
  CHECK(accesses.take() == hello_line);
  CHECK(errors.take() == "INFO:     later\n");
}

TEST_CASE("Log keeps the order where both streams are one pipe", "[telemetry]") {
  Pipe pipe;
  const base::UniqueFd copy(::dup(pipe.writer.value()));
  Log log(Level::info, Colors::never, pipe.writer.value(), copy.value());
  log.access(hello);
  log.warning("second");
  log.access(hello);
  log.info("fourth");
  const std::string expected =
      hello_line + "WARNING:  second\n" + hello_line + "INFO:     fourth\n";
  CHECK(pipe.take() == expected);
}

TEST_CASE("Log keeps the order of one pipe while its reader sleeps", "[telemetry]") {
  Pipe pipe;
  const base::UniqueFd copy(::dup(pipe.writer.value()));
  std::string expected;
  Log log(Level::info, Colors::never, pipe.writer.value(), copy.value());
  for (int i = 0; i < 100; ++i) {
    log.access(hello);
    log.error("number " + std::to_string(i));
    expected += hello_line + "ERROR:    number " + std::to_string(i) + "\n";
  }
  std::string text;
  while (text.size() < expected.size()) {
    const std::string piece = pipe.take();
    REQUIRE_FALSE(piece.empty());
    text += piece;
    log.flush();
  }
  CHECK(text == expected);
  CHECK(log.dropped_count() == 0);
}

TEST_CASE("Log keeps a traceback one record", "[telemetry]") {
  Pipe errors;
  Pipe accesses;
  Log log(Level::info, Colors::never, errors.writer.value(), accesses.writer.value());
  log.error("Exception in ASGI application\nTraceback\n  line\nValueError: x\n");
  log.error("");
  CHECK(errors.take() ==
        "ERROR:    Exception in ASGI application\nTraceback\n  line\nValueError: x\nERROR:    \n");
}

TEST_CASE("Log counts what both streams lose", "[telemetry]") {
  const auto full = test::open_for_writing("/dev/full");
  Pipe gone;
  gone.reader.reset();
  Log log(Level::info, Colors::never, full.value(), gone.writer.value());
  log.access(hello);
  log.access(hello);
  log.warning("lost");
  CHECK(log.dropped_count() == 3);
}

TEST_CASE("Log writes the rest when it goes", "[telemetry]") {
  Pipe pipe;
  {
    Log log(Level::info, Colors::never, pipe.writer.value(), pipe.writer.value());
    log.access(hello);
    CHECK(pipe.take().empty());
  }
  CHECK(pipe.take() == hello_line);
}
