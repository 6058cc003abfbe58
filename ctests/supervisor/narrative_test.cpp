#include "supervisor/narrative.hpp"

#include <csignal>
#include <string>

#include "support/catch.hpp"

using namespace ringhorn::supervisor;
using ringhorn::base::ns_per_s;

namespace {

constexpr int killed_by_segv = SIGSEGV;
constexpr int exited_with_3 = 3 << 8;

Departure departure() {
  Departure departure;
  departure.member.pid = 4711;
  departure.member.started_ns = 100 * ns_per_s;
  departure.member.ready_ns = 101 * ns_per_s;
  return departure;
}

}  // namespace

TEST_CASE("narrative tells pid, signal and uptime of a death", "[supervisor][robustness_71]") {
  Departure death = departure();
  const auto now_ns = 112 * ns_per_s + ns_per_s / 3;
  CHECK(told_death(death, killed_by_segv, now_ns) ==
        "Child process [4711] died: killed by SIGSEGV after 12.3 s. Starting another.");
  death.wait_ns = 2 * ns_per_s;
  CHECK(told_death(death, exited_with_3, now_ns) ==
        "Child process [4711] died: exit status 3 after 12.3 s. The next one starts in 2.0 s.");
  death = departure();
  death.member.ready_ns = 0;
  death.fatal = true;
  CHECK(told_death(death, exited_with_3, now_ns) ==
        "Child process [4711] died: exit status 3 after 12.3 s, before it was ready. Exiting.");
  death.fatal = false;
  death.reload_failed = true;
  CHECK(told_death(death, exited_with_3, now_ns) ==
        "Child process [4711] died: exit status 3 after 12.3 s, before it was ready.");
  death.reload_failed = false;
  death.left_empty = true;
  CHECK(told_death(death, exited_with_3, now_ns) ==
        "Child process [4711] died: exit status 3 after 12.3 s, before it was ready. The next "
        "change starts another.");
}

TEST_CASE("narrative tells what becomes of a template", "[supervisor]") {
  TemplateDeparture death;
  death.gone.pid = 4711;
  death.gone.started_ns = 100 * ns_per_s;
  const auto now_ns = 100 * ns_per_s + ns_per_s / 2;
  CHECK(told_import(death.gone, now_ns) ==
        "Template process [4711] has imported the application in 0.5 s.");
  death.reload_failed = true;
  const std::string start = "Template process [4711] died: exit status 3 after 0.5 s";
  CHECK(told_death(death, exited_with_3, now_ns) == start + ", before it was ready.");
  death.reload_failed = false;
  death.fatal = true;
  CHECK(told_death(death, exited_with_3, now_ns) == start + ", before it was ready. Exiting.");
  death.fatal = false;
  death.gone.ready_ns = death.gone.started_ns + 1;
  CHECK(told_death(death, exited_with_3, now_ns) == start + ". Starting another.");
  death.wait_ns = ns_per_s;
  CHECK(told_death(death, exited_with_3, now_ns) == start + ". The next one starts in 1.0 s.");
}

TEST_CASE("narrative names a few of many files", "[supervisor]") {
  CHECK(told_changes({"a.py"}) == "Detected changes in 'a.py'. Reloading...");
  CHECK(told_changes({"a", "b", "c", "d", "e"}) ==
        "Detected changes in 'a', 'b', 'c' and 2 more. Reloading...");
}

TEST_CASE("narrative tells a loop that is blocked from a GIL that is held", "[supervisor]") {
  Member member = departure().member;
  member.pid = ::getpid();  // running, as long as it looks at itself
  using ringhorn::telemetry::LoopPhase;
  const std::string start =
      "Child process [" + std::to_string(member.pid) + "] does not turn its event loop any more: ";
  CHECK(told_abort(member, LoopPhase::turning, 0) ==
        start + "a callback or task keeps it busy and never awaits. Ending it.");
  CHECK(told_abort(member, LoopPhase::taking_gil, 0) ==
        start + "another thread holds the GIL. Ending it.");
  CHECK(told_abort(member, LoopPhase::unknown, 0) == start + "it is busy. Ending it.");
}

TEST_CASE("narrative names signals", "[supervisor]") {
  CHECK(told_status(SIGKILL) == "killed by SIGKILL");
  CHECK(told_status(SIGABRT | 0x80) == "killed by SIGABRT");
  CHECK(told_status(SIGRTMIN + 1) == "killed by signal " + std::to_string(SIGRTMIN + 1));
  CHECK(told_status(0) == "exit status 0");
}
