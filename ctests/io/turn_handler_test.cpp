#include <ringhorn/io/turn_handler.hpp>

#include <poll.h>

#include <functional>

#include "io_support.hpp"

using namespace io_test;
using ringhorn::base::monotonic_ns;
using ringhorn::base::ns_per_ms;
using ringhorn::base::ns_per_s;

namespace {

/// Another loop: it waits in poll(2), and runs a turn when it is told or the descriptor says so.
struct Loop final : io::TurnHandler {
  explicit Loop(io::Driver& driven) : driver(driven), fd(driven.descriptor()) {
    REQUIRE(fd >= 0);
    driver.on_turn_due(this);
  }
  ~Loop() { driver.on_turn_due(nullptr); }

  void on_turn_due() override { ++due; }

  void run_turn() {
    due = 0;
    io_test::turn(driver, 0);
    driver.wait(0);
  }
  /// What has been asked for is done, and nothing is left to be fetched.
  void settle() {
    do {
      run_turn();
    } while (due > 0 || driver.has_completions());
  }
  bool readable(int timeout_ms) const {
    pollfd watched{fd, POLLIN, 0};
    return ::poll(&watched, 1, timeout_ms) == 1;
  }
  /// Turns that the descriptor asks for, until `done()`.
  void run_until(const std::function<bool()>& done) {
    settle();
    while (!done()) {
      REQUIRE(readable(10'000));
      settle();
    }
  }

  io::Driver& driver;
  int fd;
  int due = 0;
};

struct Alarm final : io::Timer {
  void on_expired() override { ++count; }
  int count = 0;
};

}  // namespace

TEST_CASE_METHOD(EachBackend, "Driver asks another loop for a turn when operations start and stop",
                 "[io]") {
  const auto driver = make_driver();
  Loop loop(*driver);
  const Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  const auto asks = [&](const std::function<void()>& step) {
    loop.settle();
    step();
    return loop.due > 0;
  };
  CHECK(asks([&] { receiver.receive.start(); }));
  CHECK_FALSE(asks([&] { receiver.receive.start(); }));
  CHECK(asks([&] { receiver.receive.pause(); }));
  CHECK(asks([&] { driver->want_flush(); }));
  CHECK(asks([&] { receiver.receive.stop(); }));
  loop.run_until([&] { return receiver.stops == 1; });
}

TEST_CASE_METHOD(EachBackend, "Driver's descriptor shows what only a turn fetches", "[io]") {
  const auto driver = make_driver();
  Loop loop(*driver);
  const Pair pair = make_tcp_pair();
  Receiver receiver(*driver, pair.near);
  Sender sender(*driver, pair.near);
  receiver.receive.start();
  loop.settle();
  CHECK_FALSE(loop.readable(0));
  for (int round = 1; round <= 3; ++round) {
    write_all(pair.far, "ping");
    loop.run_until([&] { return receiver.bytes.size() == 4u * static_cast<unsigned>(round); });
    sender.send.start("pong");
    loop.run_until([&] { return sender.sent.size() == static_cast<unsigned>(round); });
    CHECK(read_some(pair.far) == "pong");
    CHECK_FALSE(loop.readable(0));
  }
  driver->wake();
  CHECK(loop.readable(10'000));
  loop.settle();
  receiver.receive.stop();
  loop.run_until([&] { return receiver.stops == 1; });
}

TEST_CASE_METHOD(EachBackend, "Driver asks another loop for a turn when the next timer is nearer",
                 "[io]") {
  const auto driver = make_driver();
  Loop loop(*driver);
  Alarm near;
  Alarm far;
  driver->timers().arm(far, monotonic_ns() + 100 * ns_per_s);
  CHECK(loop.due == 1);
  driver->timers().arm(near, monotonic_ns() + 50 * ns_per_s);
  CHECK(loop.due == 2);
  driver->timers().arm(far, monotonic_ns() + 200 * ns_per_s);
  CHECK(loop.due == 2);
  driver->timers().arm(near, monotonic_ns());
  CHECK(loop.due == 3);
  loop.run_turn();
  CHECK(near.count == 1);
  driver->timers().disarm(far);
}

TEST_CASE_METHOD(EachBackend, "Driver of another loop tells the time between two turns", "[io]") {
  const auto driver = make_driver();
  Loop loop(*driver);
  loop.run_turn();
  const auto before_ns = monotonic_ns();
  const auto told_ns = driver->now_ns();
  CHECK(told_ns >= before_ns);
  CHECK(told_ns < before_ns + 1000 * ns_per_ms);
}
