// Sends that are reported by the kernel's silence, on a scripted kernel: what falls short, what was
// not taken, what is lost in an overflow must never count as sent.

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "scripted_driver.hpp"

using namespace io_test;

TEST_CASE("UringDriver takes silence for a send that went whole", "[io]") {
  Scripted on;
  Sender sender(*on.driver, any_fd());
  sender.send.start("hello", io::Report::in_passing);
  CHECK(on.driver->has_submissions());
  CHECK(!on.driver->expects_answers());
  turn(*on.driver, 0);
  const io_uring_sqe request = on.kernel->take(IORING_OP_SEND);
  CHECK((request.flags & IOSQE_CQE_SKIP_SUCCESS) != 0);
  CHECK(request.msg_flags == (MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL));
  CHECK(sender.sent == std::vector<std::size_t>{5});
  CHECK(!on.driver->has_completions());
}

TEST_CASE("UringDriver sends in passing with the call that waits", "[io]") {
  Scripted on;
  Poller poller(*on.driver, 7);
  poller.poll.start(POLLIN);
  CHECK(!on.driver->expects_answers());
  turn(*on.driver, 0);
  on.kernel->complete(on.kernel->take(IORING_OP_POLL_ADD), POLLIN);
  on.driver->dispatch();
  Sender sender(*on.driver, any_fd());
  sender.send.start("hello", io::Report::in_passing);
  poller.poll.start(POLLIN);
  on.kernel->on_enter = [&] { on.kernel->complete(on.kernel->take(IORING_OP_POLL_ADD), POLLIN); };
  const int enters = on.kernel->enters;
  turn(*on.driver, io::Driver::forever);
  CHECK(on.kernel->enters == enters + 1);
  CHECK(sender.sent == std::vector<std::size_t>{5});
  CHECK(poller.ready.size() == 2);
}

TEST_CASE("UringDriver reports what a send in passing fell short of", "[io]") {
  Scripted on;
  Sender before(*on.driver, any_fd());
  Sender sender(*on.driver, any_fd());
  Sender behind(*on.driver, any_fd());
  int result = 0;
  std::vector<std::size_t> sent;
  std::vector<int> errors;
  SECTION("some of its bytes") {
    result = 3;
    sent = {3};
  }
  SECTION("all of them") {
    result = -EAGAIN;
    sent = {0};
  }
  SECTION("the connection") {
    result = -ECONNRESET;
    errors = {ECONNRESET};
  }
  before.send.start("hello", io::Report::in_passing);
  sender.send.start("hello", io::Report::in_passing);
  behind.send.start("hello", io::Report::in_passing);
  on.driver->wait(0);
  CHECK(on.driver->has_completions());
  on.kernel->take(IORING_OP_SEND);
  on.kernel->complete(on.kernel->take(IORING_OP_SEND), result);
  on.driver->dispatch();
  CHECK(sender.sent == sent);
  CHECK(sender.errors == errors);
  CHECK(before.sent == std::vector<std::size_t>{5});
  CHECK(behind.sent == std::vector<std::size_t>{5});
}

TEST_CASE("UringDriver reports no send in passing before the kernel has taken it", "[io]") {
  Scripted on;
  Sender sender(*on.driver, any_fd());
  sender.send.start("hello", io::Report::in_passing);
  for (const int error : {EINTR, EBUSY, EAGAIN, ENOMEM}) {
    on.kernel->enter_errors = {error};
    turn(*on.driver, io::Driver::forever);
    CHECK(sender.send.in_flight());
    CHECK(!on.driver->has_completions());
  }
  turn(*on.driver, 0);
  CHECK(sender.sent == std::vector<std::size_t>{5});
}

TEST_CASE("UringDriver does not take an overflow for silence", "[io]") {
  Scripted on;
  std::deque<Poller> pollers;
  for (int index = 0; index < 20; ++index) {
    pollers.emplace_back(*on.driver, 7).poll.start(POLLIN);
  }
  turn(*on.driver, 0);
  Sender whole(*on.driver, any_fd());
  Sender sender(*on.driver, any_fd());
  whole.send.start("hello", io::Report::in_passing);
  sender.send.start("hello", io::Report::in_passing);
  on.driver->wait(0);
  // The queue has 16 places: the send's completion waits in the kernel.
  while (on.kernel->waiting(IORING_OP_POLL_ADD) > 0) {
    on.kernel->complete(on.kernel->take(IORING_OP_POLL_ADD), POLLIN);
  }
  on.kernel->take(IORING_OP_SEND);
  on.kernel->complete(on.kernel->take(IORING_OP_SEND), 2);
  on.driver->dispatch();
  CHECK(whole.send.in_flight());
  CHECK(sender.send.in_flight());
  turn(*on.driver, io::Driver::forever);
  CHECK(whole.sent == std::vector<std::size_t>{5});
  CHECK(sender.sent == std::vector<std::size_t>{2});
  for (const Poller& poller : pollers) {
    CHECK(poller.ready.size() == 1);
  }
}

TEST_CASE("UringDriver keeps sends in passing apart when its queue runs over", "[io]") {
  Scripted on;
  std::deque<Sender> senders;
  // The queue has four places: the first leave while the others are started.
  for (int index = 0; index < 10; ++index) {
    senders.emplace_back(*on.driver, any_fd()).send.start("hello", io::Report::in_passing);
  }
  on.kernel->complete(on.kernel->take(IORING_OP_SEND), 1);
  CHECK(on.driver->has_completions());
  on.driver->dispatch();
  CHECK(senders.front().sent == std::vector<std::size_t>{1});
  CHECK(senders.back().send.in_flight());
  turn(*on.driver, 0);
  for (const Sender& sender : senders) {
    CHECK(sender.sent.size() == 1);
  }
}

TEST_CASE("UringDriver: a handler may send in passing while silence is reported", "[io]") {
  struct Repeater final : io::SendHandler {
    explicit Repeater(io::Driver& driver) : send(driver, any_fd().value(), *this) {}
    void on_sent(std::size_t count) override {
      sent += count;
      if (--left > 0) {
        send.start("hello", io::Report::in_passing);
      }
    }
    void on_send_error(int) override { FAIL("none was reported"); }
    io::Send send;
    std::size_t sent = 0;
    int left = 3;
  };
  Scripted on;
  std::deque<Repeater> repeaters;
  // More than the queue holds: what is started again is taken in the midst of the reports.
  for (int index = 0; index < 6; ++index) {
    repeaters.emplace_back(*on.driver).send.start("hello", io::Report::in_passing);
  }
  int turns = 0;
  while (on.driver->has_completions() || on.driver->has_submissions()) {
    turn(*on.driver, 0);
    REQUIRE(++turns < 10);
  }
  CHECK(std::all_of(repeaters.begin(), repeaters.end(),
                    [](const Repeater& each) { return each.sent == 15; }));
}

TEST_CASE("UringDriver ends a send in passing that is stopped", "[io]") {
  Scripted on;
  Sender sender(*on.driver, any_fd());
  sender.send.start("hello", io::Report::in_passing);
  sender.send.stop();
  CHECK(on.driver->expects_answers());
  SECTION("it went whole") {
    turn(*on.driver, 0);
    CHECK(sender.sent == std::vector<std::size_t>{5});
  }
  SECTION("it fell short") {
    on.driver->wait(0);
    on.kernel->complete(on.kernel->take(IORING_OP_SEND), -EAGAIN);
    on.driver->dispatch();
    CHECK(sender.errors == std::vector<int>{ECANCELED});
  }
  CHECK(!sender.send.in_flight());
  // The kernel's "no such request" ends a wait.
  CHECK(on.kernel->waiting(IORING_OP_ASYNC_CANCEL) == 1);
}

TEST_CASE("UringDriver asks for completions where the kernel does not keep silence", "[io]") {
  Scripted on(small, ScriptedKernel::Silence::broken);
  Sender sender(*on.driver, any_fd());
  sender.send.start("hello", io::Report::in_passing);
  CHECK(on.driver->expects_answers());
  turn(*on.driver, 0);
  const io_uring_sqe request = on.kernel->take(IORING_OP_SEND);
  CHECK((request.flags & IOSQE_CQE_SKIP_SUCCESS) == 0);
  CHECK(sender.send.in_flight());
  SECTION("it went whole") {
    on.kernel->complete(request, 5);
    turn(*on.driver, 0);
    CHECK(sender.sent == std::vector<std::size_t>{5});
  }
  SECTION("it found no room") {
    on.kernel->complete(request, -EAGAIN);
    turn(*on.driver, 0);
    CHECK(sender.sent == std::vector<std::size_t>{0});
  }
}
