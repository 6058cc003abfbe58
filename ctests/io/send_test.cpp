#include <ringhorn/io/send.hpp>

#include <cerrno>
#include <string>

#include "io_support.hpp"

using namespace io_test;

namespace {

/// Sends until the socket takes no more; the last send stays in flight. Returns the bytes taken.
std::size_t fill_up(io::Driver& driver, Sender& sender, std::string_view bytes) {
  std::size_t taken = 0;
  for (;;) {
    sender.send.start(bytes);
    settle(driver);
    if (sender.send.in_flight()) {
      return taken;
    }
    taken += sender.sent.back();
  }
}

}  // namespace

TEST_CASE_METHOD(EachBackend, "Send hands over one run of bytes", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  sender.send.start("hello");
  REQUIRE(sender.send.in_flight());
  REQUIRE(read_some(pair.far).empty());
  run_until(*driver, [&] { return !sender.sent.empty(); });
  REQUIRE(sender.sent == std::vector<std::size_t>{5});
  REQUIRE(!sender.send.in_flight());
  REQUIRE(read_some(pair.far) == "hello");
}

TEST_CASE_METHOD(EachBackend, "Send hands over several parts in order, up to parts_max", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  std::vector<std::string> texts;
  std::vector<iovec> parts;
  std::string expected;
  for (std::size_t index = 0; index < io::Send::parts_max; ++index) {
    texts.push_back("part " + std::to_string(index) + ";");
    expected += texts.back();
  }
  for (std::string& text : texts) {
    parts.push_back({text.data(), text.size()});
  }
  sender.send.start(parts);
  run_until(*driver, [&] { return !sender.sent.empty(); });
  REQUIRE(sender.sent == std::vector<std::size_t>{expected.size()});
  REQUIRE(read_some(pair.far) == expected);
}

TEST_CASE_METHOD(EachBackend, "Send reports a short send, waits for room and goes on", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_tcp_pair();
  Sender sender(*driver, pair.near);
  const std::string bytes = make_bytes(1 << 20);
  std::size_t taken = fill_up(*driver, sender, bytes);
  REQUIRE(sender.sent.back() < bytes.size());
  sender.sent.clear();
  std::size_t read = 0;
  while (read < taken || sender.sent.empty()) {
    read += read_some(pair.far).size();
    turn(*driver, 0);
    REQUIRE(sender.errors.empty());
  }
  REQUIRE(!sender.send.in_flight());
  taken += sender.sent.front();
  while (read < taken) {
    read += read_some(pair.far).size();
  }
  REQUIRE(read == taken);
}

TEST_CASE_METHOD(EachBackend, "Send offers bytes at once, and only what there is room for",
                 "[io]") {
  const auto driver = make_driver();
  Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  CHECK(sender.send.offer("now") == 3);
  CHECK(read_some(pair.far) == "now");
  std::string hello = "hello ";
  std::string world = "world";
  const std::vector<iovec> parts{{hello.data(), hello.size()}, {world.data(), world.size()}};
  CHECK(sender.send.offer(parts) == 11);
  CHECK(read_some(pair.far) == "hello world");
  std::string longer = make_bytes(9001);
  const std::vector<iovec> more{{hello.data(), hello.size()}, {longer.data(), longer.size()}};
  CHECK(sender.send.offer(more) == hello.size() + longer.size());
  CHECK(read_some(pair.far) == hello + longer);
  const std::string bytes = make_bytes(1 << 20);
  const std::size_t some = sender.send.offer(bytes);
  CHECK(some > 0);
  CHECK(some < bytes.size());
  CHECK(sender.send.offer(bytes) == 0);
  CHECK(!sender.send.in_flight());
  // What is wrong is told by the next start, without a signal.
  pair.far.reset();
  CHECK(sender.send.offer(bytes) == 0);
  settle(*driver);
  CHECK(sender.sent.empty());
  CHECK(sender.errors.empty());
  sender.send.start(bytes);
  run_until(*driver, [&] { return !sender.errors.empty(); });
  CHECK(sender.errors == std::vector<int>{EPIPE});
}

TEST_CASE_METHOD(EachBackend, "Send that waits for room can be given up", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_tcp_pair();
  Sender sender(*driver, pair.near);
  const std::string bytes = make_bytes(1 << 20);
  fill_up(*driver, sender, bytes);
  sender.send.stop();
  sender.send.stop();
  REQUIRE(sender.errors.empty());
  run_until(*driver, [&] { return !sender.errors.empty(); });
  settle(*driver);
  REQUIRE(sender.errors == std::vector<int>{ECANCELED});
  REQUIRE(!sender.send.in_flight());
}

TEST_CASE_METHOD(EachBackend, "Send stopped in the turn that started it ends once", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  sender.send.start("gone already");
  sender.send.stop();
  run_until(*driver, [&] { return !sender.send.in_flight(); });
  settle(*driver);
  REQUIRE(sender.sent.size() + sender.errors.size() == 1);
  sender.send.start("again");
  run_until(*driver, [&] { return !sender.send.in_flight(); });
  REQUIRE(sender.sent.back() == 5);
}

TEST_CASE_METHOD(EachBackend, "Send says EPIPE, without SIGPIPE, when the peer is gone", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  pair.far.reset();
  sender.send.start("to nobody");
  run_until(*driver, [&] { return !sender.errors.empty(); });
  REQUIRE(sender.errors == std::vector<int>{EPIPE});
  char byte = 'x';
  const std::vector<iovec> parts(2, iovec{&byte, 1});
  sender.send.start(parts);
  run_until(*driver, [&] { return sender.errors.size() == 2; });
  REQUIRE(sender.errors.back() == EPIPE);
}

TEST_CASE_METHOD(EachBackend, "Send that waits for room hears of RST", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_tcp_pair();
  Sender sender(*driver, pair.near);
  const std::string bytes = make_bytes(1 << 20);
  fill_up(*driver, sender, bytes);
  reset_connection(std::move(pair.far));
  run_until(*driver, [&] { return !sender.errors.empty(); });
  REQUIRE((sender.errors.back() == ECONNRESET || sender.errors.back() == EPIPE));
}

TEST_CASE_METHOD(EachBackend, "Send in passing ends with the turn that it leaves in", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  std::string expected;
  SECTION("one run") {
    sender.send.start("hello", io::Report::in_passing);
    expected = "hello";
    turn(*driver, 0);
  }
  SECTION("several parts") {
    std::string texts[] = {"a", "bc", "def"};
    const std::vector<iovec> parts = {
        {texts[0].data(), 1}, {texts[1].data(), 2}, {texts[2].data(), 3}};
    sender.send.start(parts, io::Report::in_passing);
    expected = "abcdef";
    turn(*driver, 0);
  }
  REQUIRE(sender.sent == std::vector<std::size_t>{expected.size()});
  REQUIRE(!sender.send.in_flight());
  REQUIRE(read_some(pair.far) == expected);
}

TEST_CASE_METHOD(EachBackend, "Send in passing takes what fits, never waits, loses nothing",
                 "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_tcp_pair();
  Sender sender(*driver, pair.near);
  const std::string bytes = make_bytes(1 << 20);
  std::size_t taken = 0;
  do {
    sender.send.start(std::string_view(bytes).substr(taken % bytes.size()), io::Report::in_passing);
    turn(*driver, 0);
    REQUIRE(!sender.send.in_flight());
    taken += sender.sent.back();
  } while (sender.sent.back() > 0);
  // What is left goes promptly, and waits for room.
  sender.sent.clear();
  const std::string_view rest = std::string_view(bytes).substr(taken % bytes.size());
  sender.send.start(rest);
  turn(*driver, 0);
  REQUIRE(sender.send.in_flight());
  const std::string twice = bytes + bytes;
  std::size_t read = 0;
  bool same = true;
  while (same && (read < taken || sender.sent.empty())) {
    const std::string some = read_some(pair.far);
    same = twice.compare(read % bytes.size(), some.size(), some) == 0;
    read += some.size();
    turn(*driver, 0);
  }
  REQUIRE(same);
  REQUIRE(sender.errors.empty());
}

TEST_CASE_METHOD(EachBackend, "Send in passing hears that the peer is gone", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_tcp_pair();
  Sender sender(*driver, pair.near);
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  turn(*driver, 0);
  reset_connection(std::move(pair.far));
  run_until(*driver, [&] { return !receiver.errors.empty(); });
  sender.send.start("to nobody", io::Report::in_passing);
  turn(*driver, 0);
  REQUIRE(sender.sent.empty());
  REQUIRE(sender.errors == std::vector<int>{EPIPE});
}

TEST_CASE_METHOD(EachBackend, "Send in passing that is stopped ends once", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  sender.send.start("gone already", io::Report::in_passing);
  sender.send.stop();
  REQUIRE(sender.sent.size() + sender.errors.size() == 0);
  run_until(*driver, [&] { return !sender.send.in_flight(); });
  settle(*driver);
  REQUIRE(sender.sent.size() + sender.errors.size() == 1);
}

TEST_CASE_METHOD(EachBackend, "Send in passing has ended when its answer comes", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  Receiver receiver(*driver, pair.near);
  std::size_t answers = 0;
  receiver.then = [&] {
    REQUIRE(!sender.send.in_flight());
    REQUIRE(sender.sent.size() == ++answers);
  };
  receiver.receive.start();
  turn(*driver, 0);
  for (std::size_t round = 1; round <= 20; ++round) {
    // The answer is there before the question: the wait that sends the one finds the other.
    write_all(pair.far, "answer");
    sender.send.start("question", io::Report::in_passing);
    run_until(*driver, [&] { return answers == round; });
  }
  stop_and_wait(*driver, receiver, receiver.receive);
}
