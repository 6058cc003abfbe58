#include "supervisor/fleet.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace ringhorn::supervisor;
using ringhorn::base::Nanoseconds;
using ringhorn::base::ns_per_s;

namespace {

/// A Fleet whose orders are carried out at once: pids count from 1, and what was ordered is text.
class Story {
 public:
  explicit Story(unsigned count, Nanoseconds startup_ns = 10 * ns_per_s, bool vacates = false)
      : fleet(Fleet::Settings{.count = count,
                              .startup_ns = startup_ns,
                              .grace_ns = 30 * ns_per_s,
                              .vacates = vacates}) {}

  /// The orders that are due now, as `spawn 0/1` (slot/generation) and `retire 2` (pid).
  std::string orders() {
    std::string text;
    while (const auto order = fleet.next(now_ns)) {
      text += (text.empty() ? "" : ", ") + carry_out(*order);
    }
    return text;
  }
  void pass(double seconds) { now_ns += static_cast<Nanoseconds>(seconds * ns_per_s); }
  void ready(pid_t pid) { fleet.on_ready(pid, now_ns); }
  Departure die(pid_t pid) {
    const auto departure = fleet.on_exited(pid, now_ns);
    REQUIRE(departure);
    return *departure;
  }
  /// Every slot has a worker that has served for a while.
  void begin() {
    orders();
    for (unsigned i = 0; i < fleet.count(); ++i) {
      ready(static_cast<pid_t>(i) + 1);
    }
    pass(100);
  }

  Fleet fleet;
  Nanoseconds now_ns = 1000 * ns_per_s;

 private:
  std::string carry_out(const Order& order) {
    if (order.kind == Order::Kind::spawn) {
      fleet.on_spawned(order, ++last_pid_, now_ns);
      return "spawn " + std::to_string(order.slot) + "/" + std::to_string(order.generation);
    }
    constexpr const char* names[] = {"spawn", "retire", "finish", "terminate", "abort", "kill"};
    return std::string(names[static_cast<int>(order.kind)]) + " " + std::to_string(order.pid);
  }

  pid_t last_pid_ = 0;
};

}  // namespace

TEST_CASE("Fleet starts nobody while there is nobody to start from", "[supervisor]") {
  Story story(1);
  CHECK_FALSE(story.fleet.next(story.now_ns, Births::impossible));
  CHECK(story.orders() == "spawn 0/1");
  story.pass(11);
  const auto order = story.fleet.next(story.now_ns, Births::impossible);
  REQUIRE(order);
  CHECK(order->kind == Order::Kind::abort);
}

TEST_CASE("Fleet starts a worker in each slot and is settled when they are ready", "[fleet]") {
  Story story(3);
  CHECK(story.orders() == "spawn 0/1, spawn 1/1, spawn 2/1");
  CHECK_FALSE(story.fleet.settled());
  CHECK_FALSE(story.fleet.proven());
  story.ready(1);
  CHECK(story.fleet.proven());
  story.ready(2);
  story.ready(3);
  CHECK(story.fleet.settled());
  CHECK(story.fleet.ready_count() == 3);
  CHECK(story.orders().empty());
}

TEST_CASE("Fleet gives up when the first worker of all does not start", "[fleet]") {
  Story story(2);
  story.orders();
  const Departure departure = story.die(1);
  CHECK(departure.fatal);
  CHECK_FALSE(departure.expected);
  story.fleet.stop();
  CHECK(story.orders() == "terminate 2");
  CHECK(story.die(2).expected);
}

TEST_CASE("Fleet never gives up once a worker has been ready", "[fleet][robustness_71]") {
  Story story(2);
  story.orders();
  story.ready(1);
  for (int i = 0; i < 20; ++i) {
    const pid_t pid = story.fleet.members().back().pid;
    CHECK_FALSE(story.die(pid).fatal);
    story.pass(31);
    CHECK(story.orders() == "spawn 1/1");
  }
}

TEST_CASE("Fleet replaces a dead worker at once, and waits from the second fast death on",
          "[fleet][lesson_54]") {
  Story story(1);
  story.begin();
  CHECK(story.die(1).wait_ns == 0);
  CHECK(story.orders() == "spawn 0/1");
  story.ready(2);
  story.pass(0.2);
  CHECK(story.die(2).wait_ns == 0);
  CHECK(story.orders() == "spawn 0/1");
  std::vector<double> waits;
  for (pid_t pid = 3; pid < 12; ++pid) {
    waits.push_back(static_cast<double>(story.die(pid).wait_ns) / ns_per_s);
    CHECK(story.orders().empty());
    CHECK(story.fleet.next_deadline_ns(story.now_ns) ==
          story.now_ns + static_cast<Nanoseconds>(waits.back() * ns_per_s));
    story.pass(waits.back());
    CHECK(story.orders() == "spawn 0/1");
  }
  CHECK(waits == std::vector<double>{0.5, 1, 2, 4, 8, 16, 30, 30, 30});
  // One that serves for a second has been sound.
  story.ready(12);
  story.pass(1);
  CHECK(story.die(12).wait_ns == 0);
}

TEST_CASE("Fleet reload: each successor is ready before its predecessor is told", "[fleet]") {
  Story story(2);
  story.begin();
  story.fleet.reload();
  CHECK(story.orders() == "spawn 0/2");
  CHECK(story.orders().empty());
  story.ready(3);
  CHECK(story.orders() == "retire 1, spawn 1/2");
  CHECK(story.die(1).expected);
  story.ready(4);
  CHECK(story.orders() == "retire 2");
  CHECK(story.fleet.settled());
}

TEST_CASE("Fleet reload: with one worker too", "[fleet]") {
  Story story(1);
  story.begin();
  story.fleet.reload();
  CHECK(story.orders() == "spawn 0/2");
  CHECK(story.fleet.ready_count() == 1);
  story.ready(2);
  CHECK(story.orders() == "retire 1");
}

TEST_CASE("Fleet reload: many workers follow the first a quarter at a time", "[fleet]") {
  Story story(8);
  story.begin();
  story.fleet.reload();
  CHECK(story.orders() == "spawn 0/2");
  story.ready(9);
  CHECK(story.orders() == "retire 1, spawn 1/2, spawn 2/2");
}

TEST_CASE("Fleet reload: two before a worker has started are one", "[fleet][robustness_84]") {
  Story story(2);
  story.begin();
  story.fleet.reload();
  story.fleet.reload();
  CHECK(story.orders() == "spawn 0/2");
  // It may have read the code already: the third is another one, and the worker on its way serves
  // meanwhile.
  story.fleet.reload();
  story.fleet.reload();
  CHECK(story.orders().empty());
  story.ready(3);
  CHECK(story.orders() == "retire 1, spawn 0/3");
  story.ready(4);
  CHECK(story.orders() == "retire 3, spawn 1/3");
  story.ready(5);
  CHECK(story.orders() == "retire 2");
  CHECK(story.fleet.settled());
}

TEST_CASE("Fleet reload: code that does not start leaves the old workers", "[fleet]") {
  Story story(2);
  story.begin();
  story.fleet.reload();
  story.orders();
  const Departure departure = story.die(3);
  CHECK(departure.reload_failed);
  CHECK_FALSE(departure.fatal);
  CHECK(story.orders().empty());
  CHECK(story.fleet.settled());
  CHECK(story.fleet.wanted_generation() == 1);
  story.fleet.reload();
  CHECK(story.orders() == "spawn 0/2");
  story.ready(4);
  CHECK(story.orders() == "retire 1, spawn 1/2");
  // The generation is proven: a worker that fails now is tried again, its predecessor stays.
  CHECK_FALSE(story.die(5).reload_failed);
  CHECK(story.orders() == "spawn 1/2");
}

TEST_CASE("Fleet reload: one that takes too long to start is ended", "[fleet]") {
  Story story(1);
  story.begin();
  story.fleet.reload();
  story.orders();
  CHECK(story.fleet.next_deadline_ns(story.now_ns) == story.now_ns + 10 * ns_per_s);
  story.pass(10);
  CHECK(story.orders() == "abort 2");
  story.pass(1);
  CHECK(story.orders() == "kill 2");
  CHECK(story.die(2).reload_failed);
  CHECK(story.orders().empty());
}

TEST_CASE("Fleet replaces a spent worker first, one at a time", "[fleet][robustness_86]") {
  Story story(3);
  story.begin();
  for (pid_t pid = 1; pid <= 3; ++pid) {
    story.fleet.on_spent(pid);
  }
  CHECK(story.orders() == "spawn 0/1");
  story.ready(4);
  CHECK(story.orders() == "retire 1, spawn 1/1");
  story.ready(5);
  CHECK(story.orders() == "retire 2, spawn 2/1");
  // A successor that does not start costs nothing but a wait.
  CHECK_FALSE(story.die(6).reload_failed);
  CHECK(story.orders() == "spawn 2/1");
  CHECK(story.die(7).wait_ns == ns_per_s / 2);
  CHECK(story.orders().empty());
  story.pass(0.5);
  CHECK(story.orders() == "spawn 2/1");
  story.ready(8);
  CHECK(story.orders() == "retire 3");
}

TEST_CASE("Fleet ends a worker that stands still, and does not wait for its end",
          "[fleet][robustness_72]") {
  Story story(1);
  story.begin();
  story.fleet.on_silent(1);
  CHECK(story.orders() == "abort 1, spawn 0/1");
  story.pass(1);
  CHECK(story.orders() == "kill 1");
  CHECK(story.orders().empty());
  CHECK_FALSE(story.die(1).expected);
}

TEST_CASE("Fleet grows and shrinks, not below what it is told", "[fleet]") {
  Story story(1);
  story.begin();
  story.fleet.resize(3);
  CHECK(story.orders() == "spawn 1/1, spawn 2/1");
  story.ready(2);
  story.fleet.resize(1);
  CHECK(story.orders() == "retire 2, terminate 3");
  CHECK(story.die(2).expected);
  CHECK(story.die(3).expected);
  CHECK(story.fleet.settled());
  story.fleet.resize(0);
  CHECK(story.orders() == "retire 1");
  CHECK(story.fleet.settled());
}

TEST_CASE("Fleet stop overtakes a reload", "[fleet][lesson_51]") {
  Story story(2);
  story.begin();
  story.fleet.reload();
  story.orders();
  story.fleet.stop();
  CHECK(story.orders() == "finish 1, finish 2, terminate 3");
  story.fleet.reload();
  story.die(1);
  CHECK(story.orders().empty());
  story.pass(5);
  CHECK(story.orders() == "kill 3");
  story.pass(25);
  CHECK(story.orders() == "kill 2");
  CHECK(story.die(2).expected);
  CHECK(story.die(3).expected);
  CHECK(story.fleet.members().empty());
}

TEST_CASE("Fleet hurry shortens what is left of the grace", "[fleet]") {
  Story story(1);
  story.begin();
  story.fleet.stop();
  CHECK(story.orders() == "finish 1");
  story.fleet.hurry(story.now_ns);
  story.pass(4.9);
  CHECK(story.orders().empty());
  story.pass(0.2);
  CHECK(story.orders() == "kill 1");
}

TEST_CASE("Fleet knows nobody else's child", "[fleet][robustness_75]") {
  Story story(1);
  story.begin();
  CHECK_FALSE(story.fleet.on_exited(4711, story.now_ns));
  story.fleet.on_spent(4711);
  story.fleet.on_silent(4711);
  CHECK_FALSE(story.fleet.on_ready(4711, story.now_ns));
  CHECK(story.orders().empty());
}

TEST_CASE("Fleet tries again when no process can be made", "[fleet]") {
  Story story(1);
  story.begin();
  story.die(1);
  const auto order = story.fleet.next(story.now_ns);
  REQUIRE(order);
  story.fleet.on_spawn_failed(*order, story.now_ns);
  CHECK_FALSE(story.fleet.next(story.now_ns));
  story.pass(0.5);
  CHECK(story.orders() == "spawn 0/1");
}

TEST_CASE("Fleet that vacates: a reload takes the old workers away first", "[fleet]") {
  Story story(2, 10 * ns_per_s, true);
  story.begin();
  story.fleet.reload();
  CHECK(story.orders() == "retire 1, retire 2, spawn 0/2, spawn 1/2");
  story.ready(3);
  story.ready(4);
  CHECK(story.fleet.settled());
  CHECK(story.die(1).expected);
  CHECK(story.orders().empty());
}

TEST_CASE("Fleet that vacates: a reload ends a worker that still starts", "[fleet]") {
  Story story(1, 10 * ns_per_s, true);
  story.orders();
  story.fleet.reload();
  CHECK(story.orders() == "terminate 1, spawn 0/2");
  CHECK(story.die(1).expected);
  CHECK(story.orders().empty());
}

TEST_CASE("Fleet that vacates: code that does not start waits for the next reload", "[fleet]") {
  Story story(1, 10 * ns_per_s, true);
  story.orders();
  const Departure departure = story.die(1);
  CHECK(departure.left_empty);
  CHECK_FALSE(departure.fatal);
  story.pass(1000);
  CHECK(story.orders().empty());
  CHECK(story.fleet.next_deadline_ns(story.now_ns) == Fleet::never);
  story.fleet.reload();
  CHECK(story.orders() == "spawn 0/1");
  story.ready(2);
  CHECK(story.fleet.settled());
  // One that had served is replaced as ever.
  story.pass(100);
  CHECK_FALSE(story.die(2).left_empty);
  CHECK(story.orders() == "spawn 0/1");
}
