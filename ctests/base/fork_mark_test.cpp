#include <ringhorn/base/fork_mark.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace {

/// What `check` says in a forked child.
template <typename Check>
bool in_forked_child(Check check) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(check() ? 1 : 0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status) == 1;
}

}  // namespace

TEST_CASE("ForkMark tells a process from its children and theirs", "[base]") {
  const ringhorn::base::ForkMark mark;
  REQUIRE_FALSE(mark.in_child());
  REQUIRE(in_forked_child([&] { return mark.in_child(); }));
  REQUIRE(in_forked_child([&] { return in_forked_child([&] { return mark.in_child(); }); }));
  REQUIRE_FALSE(mark.in_child());
}

TEST_CASE("ForkMark that a child makes is the child's", "[base]") {
  REQUIRE_FALSE(in_forked_child([] { return ringhorn::base::ForkMark().in_child(); }));
}
