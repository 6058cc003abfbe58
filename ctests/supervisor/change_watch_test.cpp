#include "supervisor/change_watch.hpp"

#include "support/catch.hpp"
#include "tree.hpp"

namespace ringhorn::supervisor {
namespace {

using base::ns_per_s;

constexpr base::Nanoseconds tenth_ns = ns_per_s / 10;

ChangeWatch watch(const Tree& tree, double delay) {
  config::Options options;
  options.reload_dirs = {tree.path("app")};
  options.reload_delay = delay;
  auto made = ChangeWatch::make(options);
  REQUIRE(made);
  return made.take_value();
}

}  // namespace

TEST_CASE("ChangeWatch tells of a save once, when it is over", "[supervisor]") {
  const Tree tree;
  ChangeWatch changes = watch(tree, 0.3);
  CHECK(changes.deadline_ns() == ChangeWatch::never);
  base::Nanoseconds now_ns = 5 * ns_per_s;
  tree.write("app/a.py");
  changes.look(now_ns);
  CHECK(changes.deadline_ns() == now_ns + 3 * tenth_ns);
  now_ns += 2 * tenth_ns;
  tree.write("app/b.py");
  changes.look(now_ns);
  now_ns += 2 * tenth_ns;
  changes.look(now_ns);
  CHECK(changes.take_due(now_ns).empty());
  now_ns += tenth_ns;
  CHECK(changes.take_due(now_ns) == Names{tree.path("app/a.py"), tree.path("app/b.py")});
  CHECK(changes.take_due(now_ns).empty());
  CHECK(changes.deadline_ns() == ChangeWatch::never);
}

TEST_CASE("ChangeWatch does not wait for ever for files that go on changing", "[supervisor]") {
  const Tree tree;
  ChangeWatch changes = watch(tree, 0.1);
  base::Nanoseconds now_ns = 5 * ns_per_s;
  int rounds = 0;
  do {
    tree.write("app/a.py");
    changes.look(now_ns);
    now_ns += tenth_ns / 2;
    ++rounds;
  } while (changes.take_due(now_ns).empty() && rounds < 100);
  CHECK(rounds == 20);
}

TEST_CASE("ChangeWatch looks again for a directory that is gone", "[supervisor]") {
  const Tree tree;
  ChangeWatch changes = watch(tree, 0.1);
  const base::Nanoseconds now_ns = 5 * ns_per_s;
  fs::remove_all(tree.path("app"));
  changes.look(now_ns);
  changes.take_due(now_ns + ns_per_s);
  CHECK(changes.deadline_ns() == now_ns + ns_per_s / 2);
  fs::create_directories(tree.path("app"));
  tree.write("app/main.py");
  changes.look(now_ns + ns_per_s);
  CHECK(changes.take_due(now_ns + 2 * ns_per_s) == Names{tree.path("app/main.py")});
  CHECK(changes.deadline_ns() == ChangeWatch::never);
}

TEST_CASE("ChangeWatch says which directory is missing", "[supervisor]") {
  config::Options options;
  options.reload_dirs = {"/nowhere/at/all"};
  const auto made = ChangeWatch::make(options);
  REQUIRE_FALSE(made);
  CHECK(made.error() == "--reload: /nowhere/at/all cannot be watched: No such file or directory");
}

}  // namespace ringhorn::supervisor
