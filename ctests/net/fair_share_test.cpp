#include "../../src/net/fair_share.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <memory>
#include <vector>

#include "support/catch.hpp"
#include "support/world.hpp"

namespace ringhorn::net {
namespace {

telemetry::Board make_board() {
  auto made = telemetry::Board::make();
  REQUIRE(made);
  return made.take_value();
}

/// A board with two workers on it.
struct Two {
  Two() {
    board.give(0);
    board.give(1);
  }
  Peers peers() { return {&board, &board.entry(0)}; }

  telemetry::Board board = make_board();
};

TEST_CASE("Board knows who of the others accepts with the fewest connections", "[net]") {
  Two two;
  CHECK_FALSE(two.board.fewest_connections(two.board.entry(0)));
  two.board.entry(0).accepting_with = 1;
  CHECK_FALSE(two.board.fewest_connections(two.board.entry(0)));
  two.board.entry(1).accepting_with = 8;
  CHECK(two.board.fewest_connections(two.board.entry(0)) == 7);
  two.board.give(4);
  two.board.entry(4).accepting_with = 3;
  CHECK(two.board.fewest_connections(two.board.entry(0)) == 2);
  two.board.take_back(4);
  CHECK(two.board.fewest_connections(two.board.entry(0)) == 7);
}

TEST_CASE("FairShare leaves newcomers to who has clearly fewer (lesson 56)", "[net]") {
  Two two;
  FairShare mine(two.peers());
  FairShare other({&two.board, &two.board.entry(1)});
  mine.join(0);
  CHECK_FALSE(mine.yields(100, 0));  // nobody else is there
  other.join(0);
  CHECK_FALSE(mine.yields(8, 0));
  CHECK(mine.yields(9, 0));
  other.note(80);
  CHECK_FALSE(mine.yields(98, 0));
  CHECK(mine.yields(99, 0));
  mine.note(99);
  CHECK_FALSE(other.yields(80, 0));
  other.leave();
  other.note(1);
  CHECK_FALSE(mine.yields(99, 0));
}

TEST_CASE("FairShare has no patience for ever with who does not come (lesson 57)", "[net]") {
  Two two;
  FairShare mine(two.peers());
  FairShare other({&two.board, &two.board.entry(1)});
  mine.join(0);
  other.join(0);
  const auto row = [&] {
    unsigned count = 0;
    while (mine.yields(50, 0)) {
      ++count;
    }
    return count;
  };
  CHECK(mine.yields(50, 0));
  other.note(1);  // it comes: a row begins anew
  CHECK(row() == FairShare::yields_max);
  CHECK_FALSE(mine.yields(50, FairShare::rest_ns - 1));
  other.note(2);
  CHECK(row() == FairShare::yields_max);
  CHECK(mine.yields(50, FairShare::rest_ns));
}

TEST_CASE("FairShare without peers never yields", "[net]") {
  FairShare alone({});
  alone.join(5);
  CHECK_FALSE(alone.yields(1000, 0));
  alone.leave();
}

net::Settings settings_on(Two& two) {
  net::Settings settings = test::test_settings();
  settings.sharing = Sharing::shared;
  settings.peers = two.peers();
  return settings;
}

TEST_CASE("Server says on the board what it has, and leaves newcomers to who has fewer", "[net]") {
  Two two;
  test::World world(settings_on(two));
  const telemetry::BoardEntry& mine = two.board.entry(0);
  CHECK(mine.accepting_with == 1);
  std::vector<std::unique_ptr<test::Client>> clients;
  const auto come = [&](std::size_t count) {
    while (clients.size() < count) {
      clients.push_back(std::make_unique<test::Client>(world.port()));
    }
  };
  come(12);
  REQUIRE(world.until([&] { return world.server().connection_count() == 12; }));
  CHECK(mine.accepting_with == 13);
  two.board.entry(1).accepting_with = 1;
  come(13);
  // It waits, and then takes the one whom nobody else wanted.
  const base::Nanoseconds before_ns = base::monotonic_ns();
  REQUIRE(world.until([&] { return world.server().connection_count() == 13; }));
  CHECK(base::monotonic_ns() - before_ns >= FairShare::yield_ns);
  clients.clear();
  REQUIRE(world.until([&] { return world.server().connection_count() == 0; }));
  CHECK(mine.accepting_with == 1);
  bool idle = false;
  world.server().drain({.takes_queue = false, .seals = false}, [&] { idle = true; });
  CHECK(mine.accepting_with == 0);
  CHECK(world.until([&] { return idle; }));
}

TEST_CASE("Server out of descriptors is nobody to wait for (lesson 57)", "[net]") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{64, before.rlim_max};
  Two two;
  {
    test::World world(settings_on(two));
    const telemetry::BoardEntry& mine = two.board.entry(0);
    test::Client client(world.port());
    ::setrlimit(RLIMIT_NOFILE, &few);
    std::vector<base::UniqueFd> others;
    while (others.empty() || others.back()) {
      others.emplace_back(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    }
    const bool left = world.until([&] { return mine.accepting_with == 0; });
    // Asserted from here on: the sanitizer's own checks need a descriptor.
    others.clear();
    CHECK(left);
    CHECK(world.until([&] { return mine.accepting_with == 2; }));
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace ringhorn::net
