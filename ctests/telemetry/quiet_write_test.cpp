#include "telemetry/quiet_write.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "telemetry/support.hpp"

using namespace ringhorn;
using namespace ringhorn::telemetry;
using ringhorn::telemetry::test::Pipe;

namespace {

/// SIGPIPE as a fresh process has it: an escaped one ends the test.
class DefaultPipeSignal {
 public:
  DefaultPipeSignal() : before_(::signal(SIGPIPE, SIG_DFL)) {}
  ~DefaultPipeSignal() { ::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

bool is_pipe_signal_pending() {
  sigset_t pending;
  REQUIRE(::sigpending(&pending) == 0);
  return ::sigismember(&pending, SIGPIPE) == 1;
}

bool is_pipe_signal_blocked() {
  sigset_t blocked;
  REQUIRE(::pthread_sigmask(SIG_BLOCK, nullptr, &blocked) == 0);
  return ::sigismember(&blocked, SIGPIPE) == 1;
}

constexpr Way pipe_ways[] = {Way::silent, Way::guarded, Way::polled};

}  // namespace

TEST_CASE("way_for looks at what a descriptor is", "[telemetry]") {
  Pipe pipe;
  CHECK(way_for(pipe.writer.value()) == Way::silent);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const base::UniqueFd left(ends[0]);
  const base::UniqueFd right(ends[1]);
  CHECK(way_for(ends[0]) == Way::silent);
  char path[] = "/tmp/ringhorn-log-XXXXXX";
  const base::UniqueFd file(::mkstemp(path));
  REQUIRE(file);
  ::unlink(path);
  CHECK(way_for(file.value()) == Way::file);
  CHECK(way_for(test::open_for_writing("/dev/null").value()) == Way::polled);
  CHECK(way_for(-1) == Way::closed);
}

TEST_CASE("write_quietly never waits for a full pipe (robustness 80)", "[telemetry]") {
  for (const Way first : pipe_ways) {
    Pipe pipe;
    Way way = first;
    const std::string page(4096, 'x');
    CHECK(write_quietly(pipe.writer.value(), page, way) == 4096);
    CHECK(write_quietly(pipe.writer.value(), "y", way) == -1);
    CHECK(errno == EAGAIN);
    CHECK(pipe.take() == page);
    CHECK(write_quietly(pipe.writer.value(), page + page, way) == 4096);
    CHECK((::fcntl(pipe.writer.value(), F_GETFL) & O_NONBLOCK) == 0);
  }
}

TEST_CASE("write_quietly raises no SIGPIPE (robustness 80)", "[telemetry]") {
  const DefaultPipeSignal scope;
  for (const Way first : pipe_ways) {
    Pipe pipe;
    pipe.reader.reset();
    Way way = first;
    CHECK(write_quietly(pipe.writer.value(), "x", way) == -1);
    CHECK(errno == EPIPE);
    CHECK_FALSE(is_pipe_signal_pending());
    CHECK_FALSE(is_pipe_signal_blocked());
  }
}

TEST_CASE("write_quietly raises no SIGPIPE on a socket (robustness 80)", "[telemetry]") {
  const DefaultPipeSignal scope;
  for (const Way first : {Way::silent, Way::guarded, Way::polled}) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    const base::UniqueFd writer(ends[1]);
    ::close(ends[0]);
    Way way = first;
    CHECK(write_quietly(writer.value(), "x", way) == -1);
    CHECK(errno == EPIPE);
    CHECK_FALSE(is_pipe_signal_pending());
  }
}

TEST_CASE("write_quietly falls back where a device knows no flags", "[telemetry]") {
  const auto full = test::open_for_writing("/dev/full");
  Way way = Way::silent;
  CHECK(write_quietly(full.value(), "x", way) == -1);
  CHECK(errno == ENOSPC);
  CHECK(way == Way::polled);
}

TEST_CASE("write_quietly leaves a descriptor alone that was closed at the start", "[telemetry]") {
  Pipe pipe;
  Way way = Way::closed;
  CHECK(write_quietly(pipe.writer.value(), "x", way) == -1);
  CHECK(errno == EBADF);
  CHECK(pipe.take().empty());
}
