#include <ringhorn/io/poll.hpp>

#include <poll.h>

#include <deque>

#include "io_support.hpp"

using namespace io_test;

TEST_CASE_METHOD(EachBackend, "Poll reports readable once per start, for as long as it is",
                 "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Poller poller(*driver, pair.near.value());
  poller.poll.start(POLLIN);
  settle(*driver);
  REQUIRE(poller.ready.empty());
  REQUIRE(poller.poll.in_flight());
  write_all(pair.far, "x");
  run_until(*driver, [&] { return !poller.ready.empty(); });
  settle(*driver);
  REQUIRE(poller.ready == std::vector<short>{POLLIN});
  REQUIRE(!poller.poll.in_flight());
  poller.poll.start(POLLIN);
  run_until(*driver, [&] { return poller.ready.size() == 2; });
}

TEST_CASE_METHOD(EachBackend, "Poll reports writable, and both together", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Poller poller(*driver, pair.near.value());
  poller.poll.start(POLLOUT);
  run_until(*driver, [&] { return !poller.ready.empty(); });
  REQUIRE(poller.ready.back() == POLLOUT);
  write_all(pair.far, "x");
  poller.poll.start(POLLIN | POLLOUT);
  run_until(*driver, [&] { return poller.ready.size() == 2; });
  REQUIRE(poller.ready.back() == (POLLIN | POLLOUT));
}

TEST_CASE_METHOD(EachBackend, "Poll reports the peer's end without being asked", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_pair();
  Poller poller(*driver, pair.near.value());
  poller.poll.start(POLLIN);
  settle(*driver);
  pair.far.reset();
  run_until(*driver, [&] { return !poller.ready.empty(); });
  REQUIRE((poller.ready.back() & POLLHUP) != 0);
}

TEST_CASE_METHOD(EachBackend, "Poll of no descriptor says POLLNVAL", "[io]") {
  const auto driver = make_driver();
  Poller poller(*driver, 1'000'000);
  poller.poll.start(POLLIN);
  run_until(*driver, [&] { return !poller.ready.empty(); });
  REQUIRE(poller.ready.back() == POLLNVAL);
}

TEST_CASE_METHOD(EachBackend, "Poll stops exactly once, in every state", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Poller poller(*driver, pair.near.value());
  SECTION("never started") {}
  SECTION("started in the same turn") {
    poller.poll.start(POLLIN);
  }
  SECTION("waiting") {
    poller.poll.start(POLLIN);
    settle(*driver);
  }
  SECTION("with its report on the way") {
    poller.poll.start(POLLIN);
    settle(*driver);
    write_all(pair.far, "x");
    driver->wait(patience_ns);
  }
  SECTION("reported") {
    poller.poll.start(POLLOUT);
    run_until(*driver, [&] { return !poller.ready.empty(); });
  }
  const std::size_t reports = poller.ready.size();
  poller.poll.stop();
  poller.poll.stop();
  REQUIRE(poller.stops == 0);
  run_until(*driver, [&] { return poller.stops > 0; });
  settle(*driver);
  REQUIRE(poller.stops == 1);
  REQUIRE(poller.ready.size() == reports);
  poller.poll.start(POLLOUT);
  run_until(*driver, [&] { return poller.ready.size() == reports + 1; });
}

TEST_CASE_METHOD(EachBackend, "Poll: more starts at once than the queue has places", "[io]") {
  const auto driver = make_driver({.queue_entries = 4});
  const Pair pair = make_pair();
  std::deque<Poller> pollers;
  for (int index = 0; index < 500; ++index) {
    pollers.emplace_back(*driver, pair.near.value()).poll.start(index % 2 == 0 ? POLLOUT : POLLIN);
  }
  // Far more completions than the kernel's queue holds: none may be lost.
  const auto has_report = [](const Poller& poller) { return !poller.ready.empty(); };
  run_until(*driver,
            [&] { return std::count_if(pollers.begin(), pollers.end(), has_report) >= 250; });
  write_all(pair.far, "x");
  run_until(*driver, [&] { return std::all_of(pollers.begin(), pollers.end(), has_report); });
  for (const Poller& poller : pollers) {
    REQUIRE(poller.ready.size() == 1);
  }
}

TEST_CASE_METHOD(EachBackend, "Poll: more stops at once than the queue has places", "[io]") {
  const auto driver = make_driver({.queue_entries = 4});
  const Pair pair = make_pair();
  std::deque<Poller> pollers;
  for (int index = 0; index < 500; ++index) {
    pollers.emplace_back(*driver, pair.near.value()).poll.start(POLLIN);
  }
  settle(*driver);
  for (Poller& poller : pollers) {
    poller.poll.stop();
  }
  run_until(*driver, [&] {
    return std::all_of(pollers.begin(), pollers.end(),
                       [](const Poller& poller) { return poller.stops == 1; });
  });
}
