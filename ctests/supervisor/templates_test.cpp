#include "supervisor/templates.hpp"

#include <string>

#include "support/catch.hpp"

using namespace ringhorn::supervisor;
using ringhorn::base::Nanoseconds;
using ringhorn::base::ns_per_s;

namespace {

/// Templates whose orders are carried out at once: pids count from 1, what was ordered is text.
class Story {
 public:
  std::string orders() {
    std::string text;
    while (const auto order = templates.next(generations, now_ns)) {
      text += (text.empty() ? "" : ", ") + carry_out(*order);
    }
    return text;
  }
  void pass(double seconds) { now_ns += static_cast<Nanoseconds>(seconds * ns_per_s); }
  /// It has imported; as the supervisor does, a reload makes a new generation of workers.
  void ready(pid_t pid) {
    generations.wanted += templates.find(pid)->renews ? 1 : 0;
    templates.on_ready(pid, generations.wanted, now_ns);
  }
  TemplateDeparture die(pid_t pid) {
    const auto departure = templates.on_exited(pid, generations, now_ns);
    REQUIRE(departure);
    return *departure;
  }
  /// A first template, from which workers serve.
  void begin() {
    orders();
    ready(1);
    generations.proven = 1;
    pass(100);
  }
  /// 0: none.
  pid_t source() const {
    const Template* one = templates.source_of(generations.wanted);
    return one == nullptr ? 0 : one->pid;
  }

  Templates templates{{.startup_ns = 10 * ns_per_s}};
  Templates::Generations generations{0, 1};
  Nanoseconds now_ns = 1000 * ns_per_s;

 private:
  std::string carry_out(const TemplateOrder& order) {
    if (order.kind == TemplateOrder::Kind::start) {
      templates.on_started(++last_pid_, now_ns);
      return "start";
    }
    constexpr const char* names[] = {"start", "dismiss", "terminate", "abort", "kill"};
    return std::string(names[static_cast<int>(order.kind)]) + " " + std::to_string(order.pid);
  }

  pid_t last_pid_ = 0;
};

}  // namespace

TEST_CASE("Templates start one, and it is the source once it is ready", "[supervisor]") {
  Story story;
  CHECK(story.orders() == "start");
  CHECK(story.source() == 0);
  CHECK_FALSE(story.templates.renewing());
  story.ready(1);
  CHECK(story.source() == 1);
  story.pass(1000);
  CHECK(story.orders().empty());
  CHECK(story.templates.next_deadline_ns(story.now_ns) == Templates::never);
  CHECK_FALSE(story.templates.on_exited(7, story.generations, story.now_ns));
}

TEST_CASE("Templates keep the old one until the new generation is proven", "[supervisor]") {
  Story story;
  story.begin();
  story.templates.reload();
  CHECK(story.templates.renewing());
  CHECK(story.orders() == "start");
  CHECK(story.templates.renewing());
  CHECK(story.source() == 1);
  story.ready(2);
  CHECK_FALSE(story.templates.renewing());
  CHECK(story.source() == 2);
  CHECK(story.orders().empty());
  SECTION("it is") {
    story.generations.proven = 2;
    CHECK(story.orders() == "dismiss 1");
    CHECK(story.die(1).expected);
  }
  SECTION("it does not start: the old one is wanted again") {
    story.generations.wanted = 1;
    CHECK(story.orders() == "dismiss 2");
    CHECK(story.source() == 1);
  }
}

TEST_CASE("Templates load once more for reloads that come meanwhile", "[supervisor]") {
  Story story;
  story.begin();
  story.templates.reload();
  CHECK(story.orders() == "start");
  story.templates.reload();
  story.templates.reload();
  CHECK(story.orders().empty());
  story.ready(2);
  CHECK(story.orders() == "start");
  CHECK(story.templates.renewing());
  story.ready(3);
  CHECK(story.generations.wanted == 3);
  CHECK(story.orders() == "dismiss 2");
  CHECK_FALSE(story.templates.renewing());
}

TEST_CASE("Templates stay when the new code cannot be imported", "[supervisor]") {
  Story story;
  story.begin();
  story.templates.reload();
  story.orders();
  const TemplateDeparture departure = story.die(2);
  CHECK(departure.reload_failed);
  CHECK_FALSE(departure.expected);
  CHECK_FALSE(departure.fatal);
  CHECK_FALSE(story.templates.renewing());
  CHECK(story.source() == 1);
  story.pass(1000);
  CHECK(story.orders().empty());
  story.templates.reload();
  CHECK(story.orders() == "start");
}

TEST_CASE("Templates give up when the first cannot import", "[supervisor]") {
  Story story;
  story.orders();
  CHECK(story.die(1).fatal);
}

TEST_CASE("Templates replace one that dies, with a back-off", "[supervisor]") {
  Story story;
  story.begin();
  const TemplateDeparture first = story.die(1);
  CHECK_FALSE(first.fatal);
  CHECK(first.wait_ns == 0);
  CHECK(story.source() == 0);
  CHECK(story.orders() == "start");
  CHECK_FALSE(story.templates.renewing());
  CHECK(story.die(2).wait_ns == 0);
  CHECK(story.orders() == "start");
  CHECK(story.die(3).wait_ns == Backoff::first_ns);
  CHECK(story.orders().empty());
  CHECK(story.templates.next_deadline_ns(story.now_ns) == story.now_ns + Backoff::first_ns);
  story.pass(0.5);
  CHECK(story.orders() == "start");
  story.ready(4);
  CHECK(story.source() == 4);
  CHECK(story.generations.wanted == 1);
}

TEST_CASE("Templates try a reload again when there is no old code left", "[supervisor]") {
  Story story;
  story.begin();
  story.templates.reload();
  story.orders();
  story.die(1);
  const TemplateDeparture departure = story.die(2);
  CHECK_FALSE(departure.reload_failed);
  CHECK_FALSE(departure.fatal);
  CHECK(story.templates.renewing());
  story.pass(1);
  CHECK(story.orders() == "start");
  story.ready(3);
  CHECK(story.generations.wanted == 2);
}

TEST_CASE("Templates abort and kill one that imports for too long", "[supervisor]") {
  Story story;
  story.begin();
  story.templates.reload();
  story.orders();
  CHECK(story.templates.next_deadline_ns(story.now_ns) == story.now_ns + 10 * ns_per_s);
  story.pass(10);
  CHECK(story.orders() == "abort 2");
  CHECK(story.templates.renewing());
  story.pass(1);
  CHECK(story.orders() == "kill 2");
  CHECK(story.orders().empty());
  CHECK(story.die(2).reload_failed);
}

TEST_CASE("Templates all go at the end", "[supervisor]") {
  Story story;
  story.begin();
  story.templates.reload();
  story.orders();
  story.templates.stop();
  CHECK(story.orders() == "dismiss 1, terminate 2");
  CHECK(story.die(2).expected);
  story.pass(5);
  CHECK(story.orders() == "kill 1");
  CHECK(story.die(1).expected);
  CHECK(story.templates.all().empty());
  CHECK(story.orders().empty());
}
