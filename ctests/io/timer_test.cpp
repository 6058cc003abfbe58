#include <ringhorn/io/timer.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <random>
#include <vector>

#include "io_support.hpp"

using ringhorn::base::monotonic_ns;
using ringhorn::base::Nanoseconds;
using ringhorn::base::ns_per_ms;
using ringhorn::base::ns_per_s;
using ringhorn::io::Timer;
using ringhorn::io::TimerQueue;

namespace {

struct TestTimer final : Timer {
  TestTimer(int number, std::vector<int>& expired) : number_(number), expired_(expired) {}
  void on_expired() override {
    REQUIRE(!armed());
    expired_.push_back(number_);
    if (then) {
      then();
    }
  }
  std::function<void()> then;

 private:
  int number_;
  std::vector<int>& expired_;
};

using Numbers = std::vector<int>;

}  // namespace

TEST_CASE("TimerQueue expires what is due, earliest first, equal ones as armed", "[io]") {
  Numbers expired;
  TimerQueue queue;
  TestTimer a(1, expired), b(2, expired), c(3, expired), d(4, expired);
  queue.arm(a, 30);
  queue.arm(b, 10);
  queue.arm(c, 20);
  queue.arm(d, 10);
  REQUIRE(queue.next_deadline_ns() == 10);
  queue.expire(9);
  REQUIRE(expired.empty());
  queue.expire(20);
  REQUIRE(expired == Numbers{2, 4, 3});
  REQUIRE(a.armed());
  REQUIRE(a.deadline_ns() == 30);
  queue.expire(30);
  REQUIRE(queue.next_deadline_ns() == TimerQueue::never);
}

TEST_CASE("TimerQueue moves an armed timer both ways", "[io]") {
  Numbers expired;
  TimerQueue queue;
  TestTimer a(1, expired), b(2, expired), c(3, expired);
  queue.arm(a, 10);
  queue.arm(b, 20);
  queue.arm(c, 30);
  queue.arm(a, 40);
  queue.arm(c, 5);
  queue.expire(100);
  REQUIRE(expired == Numbers{3, 2, 1});
}

TEST_CASE("TimerQueue disarms anywhere, and twice without harm", "[io]") {
  Numbers expired;
  TimerQueue queue;
  TestTimer a(1, expired), b(2, expired), c(3, expired);
  queue.arm(a, 10);
  queue.arm(b, 20);
  queue.arm(c, 30);
  queue.disarm(b);
  queue.disarm(b);
  queue.expire(100);
  REQUIRE(expired == Numbers{1, 3});
}

TEST_CASE("TimerQueue keeps a timer armed by a handler for the next call", "[io]") {
  Numbers expired;
  TimerQueue queue;
  TestTimer a(1, expired), b(2, expired);
  a.then = [&] { queue.arm(a, 1); };
  queue.arm(a, 10);
  queue.arm(b, 20);
  queue.expire(20);
  REQUIRE(expired == Numbers{1, 2});
  REQUIRE(a.deadline_ns() == 1);
  queue.expire(21);
  REQUIRE(expired == Numbers{1, 2, 1});
  queue.disarm(a);
}

TEST_CASE("TimerQueue lets a handler disarm and destroy a timer that is due too", "[io]") {
  Numbers expired;
  TimerQueue queue;
  TestTimer a(1, expired);
  auto b = std::make_unique<TestTimer>(2, expired);
  TestTimer c(3, expired);
  a.then = [&] {
    queue.disarm(*b);
    b.reset();
    queue.disarm(c);
  };
  queue.arm(a, 10);
  queue.arm(*b, 11);
  queue.arm(c, 12);
  queue.expire(100);
  REQUIRE(expired == Numbers{1});
}

TEST_CASE("TimerQueue keeps the order of 10,000 timers armed, moved and disarmed at random",
          "[io]") {
  Numbers expired;
  TimerQueue queue;
  std::deque<TestTimer> timers;
  std::mt19937 random(1);
  for (int number = 0; number < 10'000; ++number) {
    timers.emplace_back(number, expired);
    queue.arm(timers.back(), static_cast<Nanoseconds>(random() % 1000));
  }
  Numbers expected;
  std::vector<Nanoseconds> deadlines(timers.size());
  for (std::size_t number = 0; number < timers.size(); ++number) {
    if (random() % 3 == 0) {
      queue.arm(timers[number], static_cast<Nanoseconds>(random() % 1000));
    }
    if (random() % 4 == 0) {
      queue.disarm(timers[number]);
      continue;
    }
    deadlines[number] = timers[number].deadline_ns();
    expected.push_back(static_cast<int>(number));
  }
  for (Nanoseconds now = 0; now < 1000; now += 100) {
    queue.expire(now);
  }
  queue.expire(1000);
  const auto deadline_of = [&](int number) { return deadlines[static_cast<std::size_t>(number)]; };
  REQUIRE(std::is_sorted(expired.begin(), expired.end(), [&](int left, int right) {
    return deadline_of(left) < deadline_of(right);
  }));
  std::sort(expired.begin(), expired.end());
  REQUIRE(expired == expected);
}

TEST_CASE_METHOD(io_test::EachBackend, "Driver runs a timer when it is due, and not before",
                 "[io]") {
  const auto driver = make_driver();
  Numbers expired;
  TestTimer timer(1, expired);
  const Nanoseconds deadline_ns = monotonic_ns() + 5 * ns_per_ms;
  driver->timers().arm(timer, deadline_ns);
  io_test::run_until(*driver, [&] { return !expired.empty(); });
  REQUIRE(monotonic_ns() >= deadline_ns);
  REQUIRE(driver->now_ns() >= deadline_ns);
}

TEST_CASE_METHOD(io_test::EachBackend, "Driver follows a first deadline that moves nearer and away",
                 "[io]") {
  const auto driver = make_driver();
  Numbers expired;
  TestTimer far(1, expired), near(2, expired);
  const Nanoseconds begin_ns = monotonic_ns();
  driver->timers().arm(far, begin_ns + 3600 * ns_per_s);
  io_test::turn(*driver, ns_per_ms);
  driver->timers().arm(near, begin_ns + 20 * ns_per_ms);
  io_test::turn(*driver, ns_per_ms);
  driver->timers().arm(near, begin_ns + 60 * ns_per_ms);
  io_test::run_until(*driver, [&] { return !expired.empty(); });
  REQUIRE(expired == Numbers{2});
  REQUIRE(monotonic_ns() - begin_ns >= 60 * ns_per_ms);
  REQUIRE(monotonic_ns() - begin_ns < 60 * ns_per_s);
  driver->timers().disarm(far);
}

TEST_CASE_METHOD(io_test::EachBackend, "Driver does not wait when a timer is due already", "[io]") {
  const auto driver = make_driver();
  Numbers expired;
  TestTimer timer(1, expired);
  for (const Nanoseconds deadline_ns : {monotonic_ns(), Nanoseconds{0}, Nanoseconds{-5}}) {
    driver->timers().arm(timer, deadline_ns);
    io_test::turn(*driver, ringhorn::io::Driver::forever);
    REQUIRE(!timer.armed());
  }
}
