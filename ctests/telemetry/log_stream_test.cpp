#include <ringhorn/telemetry/log_stream.hpp>

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cstring>
#include <string>
#include <thread>

#include "telemetry/support.hpp"

using namespace ringhorn;
using namespace ringhorn::telemetry;
using ringhorn::telemetry::test::Pipe;

namespace {

bool put(LogStream& stream, const std::string& line) {
  char* out = stream.begin_record(line.size());
  if (out != nullptr) {
    std::memcpy(out, line.data(), line.size());
    stream.end_record(out + line.size());
  }
  return out != nullptr;
}

/// `count` lines of 64 bytes that tell their number.
std::string numbered(int number) {
  std::string line = "line " + std::to_string(number) + " ";
  line.resize(63, '.');
  return line + "\n";
}

/// Reads and flushes in turns until nothing comes any more.
std::string take_all(Pipe& pipe, LogStream& stream) {
  std::string text;
  for (std::string piece = pipe.take(); !piece.empty(); piece = pipe.take()) {
    text += piece;
    stream.flush();
  }
  return text;
}

constexpr Way pipe_ways[] = {Way::silent, Way::guarded, Way::polled};

}  // namespace

TEST_CASE("LogStream keeps lines while the reader sleeps, in order", "[telemetry]") {
  for (const Way way : pipe_ways) {
    Pipe pipe;
    LogStream stream(pipe.writer.value(), way);
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
      REQUIRE(put(stream, numbered(i)));
      stream.flush();
      expected += numbered(i);
    }
    CHECK(take_all(pipe, stream) == expected);
    CHECK(stream.dropped_count() == 0);
  }
}

TEST_CASE("LogStream drops whole lines at its bound and tells the count (robustness 80)",
          "[telemetry]") {
  Pipe pipe;
  LogStream stream(pipe.writer.value());
  std::string expected;
  std::uint64_t refused_count = 0;
  constexpr int line_count = 20000;
  for (int i = 0; i < line_count; ++i) {
    if (put(stream, numbered(i))) {
      REQUIRE(refused_count == 0);
      expected += numbered(i);
    } else {
      ++refused_count;
    }
    stream.flush();
  }
  CHECK(expected.size() > LogStream::bytes_max - 64);
  CHECK(expected.size() <= LogStream::bytes_max + 4096);
  CHECK(refused_count == line_count - expected.size() / 64);
  CHECK(stream.dropped_count() == refused_count);

  const std::string told =
      "WARNING:  " + std::to_string(refused_count) + " log lines were dropped: nobody took them\n";
  CHECK(take_all(pipe, stream) == expected + told);
  REQUIRE(put(stream, "next\n"));
  stream.flush();
  CHECK(pipe.take() == "next\n");
  CHECK(stream.dropped_count() == refused_count);
}

TEST_CASE("LogStream goes on dropping until all it holds has left", "[telemetry]") {
  Pipe pipe;
  LogStream stream(pipe.writer.value());
  while (put(stream, numbered(0))) {
  }
  REQUIRE(pipe.take().size() == 4096);
  stream.flush();
  CHECK_FALSE(put(stream, "in between\n"));
  const std::string text = take_all(pipe, stream);
  CHECK(text.find("in between") == std::string::npos);
  CHECK(text.find("WARNING:  2 log lines were dropped") == text.rfind("WARNING"));
  CHECK(put(stream, "after\n"));
}

TEST_CASE("LogStream takes a record that is larger than its bound when it holds none",
          "[telemetry]") {
  Pipe pipe;
  LogStream stream(pipe.writer.value());
  const std::string large = std::string(LogStream::bytes_max + 1, 't') + "\n";
  REQUIRE(put(stream, large));
  CHECK_FALSE(put(stream, large));
  CHECK(take_all(pipe, stream).substr(0, large.size()) == large);
}

TEST_CASE("LogStream does not wait for flush with much to write", "[telemetry]") {
  Pipe pipe;
  LogStream stream(pipe.writer.value());
  for (std::size_t bytes = 0; bytes < LogStream::flush_bytes; bytes += 64) {
    CHECK(pipe.take().empty());
    REQUIRE(put(stream, numbered(0)));
  }
  CHECK(pipe.take().size() == 4096);
}

TEST_CASE("LogStream outlives its reader (robustness 80)", "[telemetry]") {
  void (*before)(int) = ::signal(SIGPIPE, SIG_DFL);
  for (const Way way : pipe_ways) {
    Pipe pipe;
    LogStream stream(pipe.writer.value(), way);
    REQUIRE(put(stream, "first\nsecond\n"));
    pipe.reader.reset();
    stream.flush();
    CHECK(stream.dropped_count() == 2);
    REQUIRE(put(stream, "third\n"));
    stream.flush();
    CHECK(stream.dropped_count() == 3);
  }
  ::signal(SIGPIPE, before);
}

TEST_CASE("LogStream counts what a full disk does not take (robustness 80)", "[telemetry]") {
  const auto full = test::open_for_writing("/dev/full");
  LogStream stream(full.value());
  for (int i = 0; i < 10; ++i) {
    REQUIRE(put(stream, "lost\n"));
    stream.flush();
  }
  CHECK(stream.dropped_count() == 10);
}

TEST_CASE("LogStream goes on in a fresh line when a full disk has room again", "[telemetry]") {
  char path[] = "/tmp/ringhorn-log-XXXXXX";
  const base::UniqueFd file(::mkstemp(path));
  REQUIRE(file);
  ::unlink(path);
  // A limit on the size of files stands in for the end of the disk: a short write, then an error.
  void (*before)(int) = ::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited;
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  const rlimit small{10, unlimited.rlim_max};
  LogStream stream(file.value());
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  REQUIRE(put(stream, "first\nsecond\nthird\n"));
  stream.flush();
  REQUIRE(put(stream, "fourth\n"));
  stream.flush();
  const std::uint64_t dropped_count = stream.dropped_count();
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  ::signal(SIGXFSZ, before);
  CHECK(dropped_count == 3);

  REQUIRE(put(stream, "fifth\n"));
  stream.flush();
  const std::string expected =
      "first\nseco\nfifth\nWARNING:  3 log lines were dropped: nobody took them\n";
  std::string text(200, '\0');
  const ssize_t count = ::pread(file.value(), text.data(), text.size(), 0);
  REQUIRE(count >= 0);
  text.resize(static_cast<std::size_t>(count));
  CHECK(text == expected);
}

TEST_CASE("LogStream never writes to a number that was closed at the start", "[telemetry]") {
  Pipe pipe;
  const int number = ::dup(pipe.writer.value());
  ::close(number);
  LogStream stream(number);
  const base::UniqueFd somebody_elses(::fcntl(pipe.writer.value(), F_DUPFD, number));
  REQUIRE(somebody_elses.value() == number);
  REQUIRE(put(stream, "not for you\n"));
  stream.flush();
  CHECK(pipe.take().empty());
  CHECK(stream.dropped_count() == 1);
}

TEST_CASE("LogStream waits for a slow reader when it goes", "[telemetry]") {
  for (const Way way : pipe_ways) {
    Pipe pipe;
    std::string text;
    // The reader wakes while the destructor waits, or before: both must give all lines.
    std::thread reader;
    {
      LogStream stream(pipe.writer.value(), way);
      for (int i = 0; i < 1000; ++i) {
        REQUIRE(put(stream, numbered(i)));
      }
      reader = std::thread([&] {
        char bytes[1000];
        ssize_t count = 0;
        while ((count = ::read(pipe.reader.value(), bytes, sizeof bytes)) > 0) {
          text.append(bytes, static_cast<std::size_t>(count));
        }
      });
    }
    pipe.writer.reset();
    reader.join();
    CHECK(text.size() == 64 * 1000);
    CHECK(text.substr(text.size() - 64) == numbered(999));
  }
}

TEST_CASE("LogStream goes without its lines when nobody reads", "[telemetry]") {
  Pipe pipe;
  {
    LogStream stream(pipe.writer.value());
    for (int i = 0; i < 100; ++i) {
      REQUIRE(put(stream, numbered(i)));
    }
  }
  CHECK(pipe.take().size() == 4096);
}
