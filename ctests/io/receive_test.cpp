#include <ringhorn/io/receive.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <deque>
#include <string>

#include "io_support.hpp"

using namespace io_test;

TEST_CASE_METHOD(EachBackend, "Receive delivers bytes in order and goes on by itself", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  for (const char* bytes : {"one", "two", "three"}) {
    write_all(pair.far, bytes);
    run_until(*driver, [&] { return receiver.bytes.ends_with(bytes); });
  }
  REQUIRE(receiver.bytes == "onetwothree");
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE_METHOD(EachBackend, "Receive passes on more bytes than all buffers hold", "[io]") {
  const auto driver = make_driver({.receive_buffer_count = 4, .receive_buffer_bytes = 64});
  const Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  const std::string bytes = make_bytes(20'000);
  write_all(pair.far, bytes);
  run_until(*driver, [&] { return receiver.bytes.size() >= bytes.size(); });
  REQUIRE(receiver.bytes == bytes);
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE_METHOD(EachBackend, "Receive gives bytes that fill several buffers at once", "[io]") {
  const auto driver = make_driver({.receive_buffer_count = 16, .receive_buffer_bytes = 64});
  const Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  settle(*driver);
  // Twelve buffers and a half, then again: the second run goes around the end of the memory.
  const std::string bytes = make_bytes(12 * 64 + 32);
  write_all(pair.far, bytes);
  run_until(*driver, [&] { return receiver.bytes.size() >= bytes.size(); });
  CHECK((receiver.parts == 1 || on_epoll()));
  write_all(pair.far, bytes);
  run_until(*driver, [&] { return receiver.bytes.size() >= 2 * bytes.size(); });
  CHECK((receiver.parts <= 3 || on_epoll()));
  REQUIRE(receiver.bytes == bytes + bytes);
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE("Receive gives all that a socket had at once, up to 256 KB", "[io]") {
  auto made = io::make_driver(GENERATE(io::Backend::uring, io::Backend::epoll));
  REQUIRE(made);
  const auto driver = std::move(made.value().driver);
  const Pair pair = make_pair();
  const int room = 212'992;  // the most that is allowed everywhere; the kernel takes it twice
  REQUIRE(::setsockopt(pair.far.value(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
  const std::string bytes = make_bytes(110'000);
  write_all(pair.far, bytes);
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  run_until(*driver, [&] { return receiver.bytes.size() >= bytes.size(); });
  CHECK(receiver.parts == 1);
  CHECK(receiver.bytes == bytes);
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE_METHOD(EachBackend, "Receive loses nothing while it goes from little to much and back",
                 "[io]") {
  const auto driver = make_driver({.receive_buffer_count = 4, .receive_buffer_bytes = 4096});
  const Pair pair = GENERATE(true, false) ? make_pair() : make_tcp_pair();
  Receiver receiver(*driver, pair.near);
  bool pausing = false;
  receiver.then = [&] {
    if (pausing) {
      receiver.receive.pause();
    }
  };
  receiver.receive.start();
  std::string sent;
  for (const std::size_t size : {5, 90'000, 70'000, 3, 100'000, 2, 1, 120'000, 4}) {
    pausing = !pausing;
    const std::string bytes = make_bytes(size);
    sent += bytes;
    std::string_view left = bytes;
    run_until(*driver, [&] {
      const ssize_t count = ::send(pair.far.value(), left.data(), left.size(), MSG_DONTWAIT);
      left.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
      receiver.receive.start();
      return receiver.bytes.size() == sent.size();
    });
    REQUIRE(receiver.bytes == sent);
  }
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE_METHOD(EachBackend, "Receive tells connections apart that take turns and come and go",
                 "[io]") {
  const auto driver = make_driver({.receive_buffer_count = 4, .receive_buffer_bytes = 64});
  std::deque<Pair> pairs;
  std::deque<Receiver> receivers;
  std::deque<std::string> expected;
  for (int round = 0; round < 300; ++round) {
    // Ends come between the bytes of the others: one connection ends with every tenth round.
    if (round % 10 == 0) {
      if (!pairs.empty()) {
        pairs.back().far.reset();
      }
      pairs.push_back(make_pair());
      receivers.emplace_back(*driver, pairs.back().near).receive.start();
      expected.emplace_back();
    }
    for (std::size_t index = pairs.size() > 3 ? pairs.size() - 3 : 0; index < pairs.size();
         ++index) {
      if (pairs[index].far) {
        const std::string piece(1 + static_cast<std::size_t>(round * 7 + 3) % 50,
                                static_cast<char>('a' + (static_cast<int>(index) + round) % 26));
        write_all(pairs[index].far, piece);
        expected[index] += piece;
      }
    }
    turn(*driver, patience_ns);
  }
  pairs.back().far.reset();
  run_until(*driver, [&] {
    return std::all_of(receivers.begin(), receivers.end(),
                       [](const Receiver& each) { return each.ends == 1; });
  });
  for (std::size_t index = 0; index < receivers.size(); ++index) {
    CHECK(receivers[index].bytes == expected[index]);
  }
}

TEST_CASE_METHOD(EachBackend, "Receive does not give one peer's bytes for another's", "[io]") {
  const auto driver = make_driver({.receive_buffer_count = 32, .receive_buffer_bytes = 16});
  const Pair left = make_pair();
  const Pair right = make_pair();
  Receiver first(*driver, left.near);
  Receiver second(*driver, right.near);
  first.receive.start();
  second.receive.start();
  settle(*driver);
  write_all(left.far, std::string(48, 'l'));
  write_all(right.far, std::string(48, 'r'));
  run_until(*driver, [&] { return first.bytes.size() + second.bytes.size() == 96; });
  CHECK(first.bytes == std::string(48, 'l'));
  CHECK(second.bytes == std::string(48, 'r'));
  stop_and_wait(*driver, first, first.receive);
  stop_and_wait(*driver, second, second.receive);
}

TEST_CASE_METHOD(EachBackend, "Receive starves nobody when the buffers run out (robustness 33)",
                 "[io]") {
  const auto driver = make_driver({.receive_buffer_count = 2, .receive_buffer_bytes = 16});
  std::vector<Pair> pairs;
  std::deque<Receiver> receivers;
  const std::string bytes = make_bytes(500);
  for (int index = 0; index < 16; ++index) {
    pairs.push_back(make_pair());
    write_all(pairs.back().far, bytes);
    receivers.emplace_back(*driver, pairs.back().near).receive.start();
  }
  run_until(*driver, [&] {
    return std::all_of(receivers.begin(), receivers.end(),
                       [&](const Receiver& each) { return each.bytes.size() >= bytes.size(); });
  });
  for (Receiver& receiver : receivers) {
    REQUIRE(receiver.bytes == bytes);
    stop_and_wait(*driver, receiver, receiver.receive);
  }
}

TEST_CASE_METHOD(EachBackend, "Receive can be paused and stopped while it has no buffer", "[io]") {
  // One completion a turn: the second receiver is left without a buffer for several turns.
  const auto driver =
      make_driver({.receive_buffer_count = 1, .receive_buffer_bytes = 8, .events_per_turn = 1});
  const Pair greedy = make_pair();
  const Pair starved = make_pair();
  Receiver first(*driver, greedy.near);
  Receiver second(*driver, starved.near);
  write_all(greedy.far, make_bytes(800));
  write_all(starved.far, "late");
  first.receive.start();
  second.receive.start();
  turn(*driver, patience_ns);
  turn(*driver, patience_ns);
  SECTION("pause, then start") {
    second.receive.pause();
    settle(*driver);
    second.receive.start();
    run_until(*driver, [&] { return second.bytes == "late"; });
    stop_and_wait(*driver, second, second.receive);
  }
  SECTION("stop") {
    stop_and_wait(*driver, second, second.receive);
  }
  run_until(*driver, [&] { return first.bytes.size() == 800; });
  stop_and_wait(*driver, first, first.receive);
}

TEST_CASE_METHOD(EachBackend, "Receive reports the peer's FIN once, after the bytes", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_tcp_pair();
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  write_all(pair.far, "last words");
  pair.far.reset();
  run_until(*driver, [&] { return receiver.ends > 0; });
  REQUIRE(receiver.bytes == "last words");
  REQUIRE(!receiver.receive.in_flight());
  settle(*driver);
  REQUIRE(receiver.ends == 1);
  REQUIRE(receiver.errors.empty());
}

TEST_CASE_METHOD(EachBackend, "Receive reports RST as ECONNRESET", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_tcp_pair();
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  settle(*driver);
  reset_connection(std::move(pair.far));
  run_until(*driver, [&] { return !receiver.errors.empty(); });
  REQUIRE(receiver.errors == std::vector<int>{ECONNRESET});
  REQUIRE(receiver.ends == 0);
  REQUIRE(!receiver.receive.in_flight());
}

TEST_CASE_METHOD(EachBackend, "Receive hears of RST right behind bytes", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_tcp_pair();
  Receiver receiver(*driver, pair.near);
  SECTION("before it is started") {}
  SECTION("before it looks") {
    receiver.receive.start();
    settle(*driver);
  }
  write_all(pair.far, "GET ");
  reset_connection(std::move(pair.far));
  if (!receiver.receive.in_flight()) {
    receiver.receive.start();
  }
  run_until(*driver, [&] { return !receiver.errors.empty(); });
  REQUIRE(receiver.errors == std::vector<int>{ECONNRESET});
  REQUIRE(receiver.bytes == "GET ");
}

TEST_CASE_METHOD(EachBackend,
                 "Receive gives no bytes while it is paused, and all of them afterwards", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  settle(*driver);
  receiver.receive.pause();
  settle(*driver);
  REQUIRE(!receiver.receive.in_flight());
  write_all(pair.far, "held back");
  settle(*driver);
  REQUIRE(receiver.bytes.empty());
  receiver.receive.start();
  run_until(*driver, [&] { return receiver.bytes == "held back"; });
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE_METHOD(EachBackend, "Receive survives pause and start in any number before a dispatch",
                 "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  settle(*driver);
  for (int times = 0; times < 3; ++times) {
    receiver.receive.pause();
    receiver.receive.pause();
    receiver.receive.start();
    receiver.receive.start();
  }
  write_all(pair.far, "x");
  run_until(*driver, [&] { return receiver.bytes == "x"; });
  receiver.receive.pause();
  settle(*driver);
  write_all(pair.far, "y");
  settle(*driver);
  REQUIRE(receiver.bytes == "x");
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE_METHOD(EachBackend,
                 "Receive paused by its own handler gives at most what was filled by then",
                 "[io]") {
  const auto driver = make_driver({.receive_buffer_count = 2, .receive_buffer_bytes = 16});
  const Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  receiver.then = [&] { receiver.receive.pause(); };
  const std::string bytes = make_bytes(1000);
  write_all(pair.far, bytes);
  receiver.receive.start();
  settle(*driver);
  REQUIRE(receiver.bytes.size() >= 16);
  REQUIRE(receiver.bytes.size() <= 64);
  while (receiver.bytes.size() < bytes.size()) {
    receiver.receive.start();
    run_until(*driver, [&, before = receiver.parts] { return receiver.parts > before; });
    settle(*driver);
  }
  REQUIRE(receiver.bytes == bytes);
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE_METHOD(EachBackend, "Receive stops exactly once, in every state", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  SECTION("never started") {}
  SECTION("started in the same turn") {
    receiver.receive.start();
  }
  SECTION("waiting") {
    receiver.receive.start();
    settle(*driver);
  }
  SECTION("with bytes on the way") {
    receiver.receive.start();
    settle(*driver);
    write_all(pair.far, "dropped");
  }
  SECTION("with the end on the way") {
    receiver.receive.start();
    settle(*driver);
    pair.far.reset();
  }
  SECTION("ended by the peer") {
    receiver.receive.start();
    pair.far.reset();
    run_until(*driver, [&] { return receiver.ends == 1; });
  }
  SECTION("paused in the same turn") {
    receiver.receive.start();
    settle(*driver);
    receiver.receive.pause();
  }
  SECTION("paused") {
    receiver.receive.start();
    receiver.receive.pause();
    settle(*driver);
  }
  const int ends = receiver.ends;
  receiver.receive.stop();
  receiver.receive.stop();
  REQUIRE(receiver.stops == 0);
  REQUIRE(receiver.receive.in_flight());
  run_until(*driver, [&] { return receiver.stops > 0; });
  settle(*driver);
  REQUIRE(receiver.stops == 1);
  REQUIRE(!receiver.receive.in_flight());
  REQUIRE(receiver.bytes.empty());
  REQUIRE(receiver.ends == ends);
  REQUIRE(receiver.errors.empty());
}

TEST_CASE_METHOD(EachBackend,
                 "Receive may be stopped by its own handler, and its owner destroyed at the end",
                 "[io]") {
  const auto driver = make_driver({.receive_buffer_bytes = 4});
  const Pair pair = make_pair();
  auto receiver = std::make_unique<Receiver>(*driver, pair.near);
  receiver->then = [&] { receiver->receive.stop(); };
  write_all(pair.far, make_bytes(40));
  receiver->receive.start();
  run_until(*driver, [&] { return receiver->stops == 1; });
  REQUIRE(receiver->parts == 1);
  receiver.reset();
  settle(*driver);
}

TEST_CASE_METHOD(EachBackend, "Receive gives its descriptor's number away when it is stopped",
                 "[io]") {
  const auto driver = make_driver();
  Pair old = make_pair();
  Receiver first(*driver, old.near);
  first.receive.start();
  write_all(old.far, "old");
  run_until(*driver, [&] { return first.bytes == "old"; });
  first.receive.stop();
  const Pair other = make_pair();
  REQUIRE(::dup2(other.near.value(), old.near.value()) == old.near.value());
  Receiver second(*driver, old.near);
  second.receive.start();
  write_all(other.far, "new");
  run_until(*driver, [&] { return second.bytes == "new" && first.stops == 1; });
  CHECK(first.bytes == "old");
  stop_and_wait(*driver, second, second.receive);
}

TEST_CASE_METHOD(EachBackend, "Receive whose descriptor was closed under it can still be stopped",
                 "[io]") {
  const auto driver = make_driver();
  Pair old = make_pair();
  Receiver first(*driver, old.near);
  first.receive.start();
  settle(*driver);
  const Pair other = make_pair();
  REQUIRE(::dup2(other.near.value(), old.near.value()) == old.near.value());
  Receiver second(*driver, old.near);
  second.receive.start();
  write_all(other.far, "new");
  run_until(*driver, [&] { return second.bytes == "new"; });
  CHECK(first.bytes.empty());
  stop_and_wait(*driver, first, first.receive);
  stop_and_wait(*driver, second, second.receive);
}
