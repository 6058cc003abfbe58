#include "../../src/net/timeouts.hpp"

#include <vector>

#include "support/catch.hpp"

namespace ringhorn::net {
namespace {

struct Owner final : TimeoutOwner {
  void on_timeout(TimeoutKind kind) override {
    kinds.push_back(kind);
    if (again != nullptr) {
      again->arm(node, kind, now_ns);
    }
  }
  std::vector<TimeoutKind> kinds;
  Timeouts* again = nullptr;
  base::Nanoseconds now_ns = 0;
  Timeout node{*this};
};

Timeouts::Durations durations(base::Nanoseconds keep_alive, base::Nanoseconds write) {
  Timeouts::Durations result{};
  result[static_cast<std::size_t>(TimeoutKind::keep_alive)] = keep_alive;
  result[static_cast<std::size_t>(TimeoutKind::write)] = write;
  return result;
}

TEST_CASE("Timeouts expire in the order of their deadlines, each once", "[net]") {
  Timeouts timeouts(durations(10, 3));
  Owner first;
  Owner second;
  Owner third;
  CHECK(timeouts.next_deadline_ns() == Timeouts::never);
  CHECK(timeouts.arm(first.node, TimeoutKind::keep_alive, 0) == 10);
  CHECK(timeouts.arm(second.node, TimeoutKind::keep_alive, 1) == 11);
  CHECK(timeouts.arm(third.node, TimeoutKind::write, 2) == 5);
  CHECK(timeouts.next_deadline_ns() == 5);
  timeouts.expire(4);
  CHECK(third.kinds.empty());
  timeouts.expire(10);
  CHECK(third.kinds == std::vector{TimeoutKind::write});
  CHECK(first.kinds == std::vector{TimeoutKind::keep_alive});
  CHECK(second.kinds.empty());
  CHECK(timeouts.next_deadline_ns() == 11);
  timeouts.expire(100);
  timeouts.expire(200);
  CHECK(second.kinds.size() == 1);
  CHECK(timeouts.next_deadline_ns() == Timeouts::never);
}

TEST_CASE("Timeouts arm again by moving to the back", "[net]") {
  Timeouts timeouts(durations(10, 0));
  Owner first;
  Owner second;
  timeouts.arm(first.node, TimeoutKind::keep_alive, 0);
  timeouts.arm(second.node, TimeoutKind::keep_alive, 1);
  timeouts.arm(first.node, TimeoutKind::keep_alive, 5);
  CHECK(timeouts.next_deadline_ns() == 11);
  timeouts.expire(11);
  CHECK(first.kinds.empty());
  CHECK(second.kinds.size() == 1);
  first.node.disarm();
  timeouts.expire(100);
  CHECK(first.kinds.empty());
}

TEST_CASE("Timeouts of a kind without a limit are never armed", "[net]") {
  Timeouts timeouts(durations(10, 0));
  Owner owner;
  timeouts.arm(owner.node, TimeoutKind::keep_alive, 0);
  CHECK(timeouts.arm(owner.node, TimeoutKind::write, 0) == Timeouts::never);
  CHECK_FALSE(owner.node.armed());
  CHECK_FALSE(owner.node.armed_for(TimeoutKind::keep_alive));
}

TEST_CASE("Timeouts may be armed from inside an expiry without expiring again", "[net]") {
  Timeouts timeouts(durations(10, 0));
  Owner owner;
  owner.again = &timeouts;
  owner.now_ns = 10;
  timeouts.arm(owner.node, TimeoutKind::keep_alive, 0);
  timeouts.expire(10);
  CHECK(owner.kinds.size() == 1);
  CHECK(owner.node.armed_for(TimeoutKind::keep_alive));
  CHECK(timeouts.next_deadline_ns() == 20);
}

}  // namespace
}  // namespace ringhorn::net
