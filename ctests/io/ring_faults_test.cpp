// The ring's driver on a scripted kernel: what happens when queues overflow, buffers run out,
// requests end on their own and the system call itself fails.

#include <poll.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io_support.hpp"
#include "scripted_driver.hpp"

using namespace io_test;

namespace {

/// Ends a stop that was asked for: the kernel gives the request up.
template <typename Handler>
void end_stop(Scripted& on, Handler& handler, const io_uring_sqe& request) {
  turn(*on.driver, 0);
  const io_uring_sqe cancel = on.kernel->take(IORING_OP_ASYNC_CANCEL);
  CHECK(cancel.addr == request.user_data);
  on.kernel->complete(request, -ECANCELED);
  turn(*on.driver, 0);
  CHECK(handler.stops == 1);
}

}  // namespace

TEST_CASE("UringDriver loses no completion when the queue overflows (robustness 78)", "[io]") {
  Scripted on;
  std::deque<Poller> pollers;
  for (int index = 0; index < 40; ++index) {
    pollers.emplace_back(*on.driver, 7).poll.start(POLLIN);
  }
  turn(*on.driver, 0);
  // The queue has 16 places.
  for (int index = 0; index < 40; ++index) {
    on.kernel->complete(on.kernel->take(IORING_OP_POLL_ADD), POLLIN);
  }
  for (int turns = 0; turns < 3; ++turns) {
    turn(*on.driver, 0);
  }
  for (const Poller& poller : pollers) {
    CHECK(poller.ready == std::vector<short>{POLLIN});
  }
  // Nothing is left, and nobody asks again.
  const int enters = on.kernel->enters;
  turn(*on.driver, 0);
  CHECK(on.kernel->enters == enters);
}

TEST_CASE("UringDriver queues more requests than the queue has places (robustness 78)", "[io]") {
  Scripted on;
  std::deque<Poller> pollers;
  SECTION("the kernel takes them") {}
  SECTION("the kernel is out of memory, or busy, for a while") {
    on.kernel->enter_errors = {EAGAIN, ENOMEM, EBUSY, EAGAIN};
  }
  SECTION("the kernel takes none before its completions are collected") {
    on.kernel->full = true;
  }
  for (int index = 0; index < 10; ++index) {
    pollers.emplace_back(*on.driver, 7).poll.start(POLLIN);
  }
  turn(*on.driver, 0);
  CHECK(on.kernel->waiting(IORING_OP_POLL_ADD) == 10);
  while (on.kernel->waiting(IORING_OP_POLL_ADD) > 0) {
    on.kernel->complete(on.kernel->take(IORING_OP_POLL_ADD), POLLIN);
  }
  turn(*on.driver, 0);
  for (const Poller& poller : pollers) {
    CHECK(poller.ready.size() == 1);
  }
}

TEST_CASE("UringDriver keeps requests that a failing enter did not take (robustness 78)", "[io]") {
  Scripted on;
  Poller poller(*on.driver, 7);
  poller.poll.start(POLLOUT);
  for (const int error : {EINTR, EBUSY, EAGAIN, ETIME, ENOMEM}) {
    on.kernel->enter_errors = {error};
    CAPTURE(error);
    CHECK(on.driver->wait(io::Driver::forever) == (error != EINTR));
    on.driver->dispatch();
    CHECK(on.driver->has_submissions());
  }
  turn(*on.driver, 0);
  CHECK(!on.driver->has_submissions());
  on.kernel->complete(on.kernel->take(IORING_OP_POLL_ADD), POLLOUT);
  turn(*on.driver, 0);
  CHECK(poller.ready.size() == 1);
}

/// A receive whose request has found no buffer: it waits for readiness.
struct Bulky {
  Bulky() {
    receiver.receive.start();
    turn(*on.driver, 0);
    on.kernel->complete(on.kernel->take(IORING_OP_RECV), -ENOBUFS);
    turn(*on.driver, 0);
    turn(*on.driver, 0);
    poll = on.kernel->take(IORING_OP_POLL_ADD);
    CHECK(poll.fd == pair.near.value());
    CHECK((poll.poll32_events & POLLIN) != 0);
  }
  /// The kernel says that there is something, and the driver looks.
  void make_ready(int events = POLLIN) {
    on.kernel->complete(poll, events);
    turn(*on.driver, 0);
    turn(*on.driver, 0);
  }
  /// It is polled again, reads these few bytes, and stops.
  void read_and_stop(std::string_view bytes) {
    poll = on.kernel->take(IORING_OP_POLL_ADD);
    make_ready();
    CHECK(receiver.bytes == bytes);
    receiver.receive.stop();
    end_stop(on, receiver, on.kernel->take(IORING_OP_RECV));
  }

  Scripted on;
  Pair pair = make_tcp_pair();
  Receiver receiver{*on.driver, pair.near};
  io_uring_sqe poll{};
};

TEST_CASE("UringDriver: a receive without a buffer reads by itself (robustness 78)", "[io]") {
  Bulky bulky;
  Scripted& on = bulky.on;
  CHECK(bulky.receiver.errors.empty());
  CHECK(bulky.receiver.receive.in_flight());
  SECTION("little, and receives as before") {
    write_all(bulky.pair.far, "here");
    bulky.make_ready();
    CHECK(bulky.receiver.bytes == "here");
    on.kernel->deliver(on.kernel->take(IORING_OP_RECV), "more", 0);
    turn(*on.driver, 0);
    CHECK(bulky.receiver.bytes == "heremore");
    turn(*on.driver, 0);
    bulky.receiver.receive.stop();
    end_stop(on, bulky.receiver, on.kernel->take(IORING_OP_RECV));
  }
  SECTION("much, and waits for more") {
    const std::string bytes = make_bytes(5000);
    write_all(bulky.pair.far, bytes);
    bulky.make_ready();
    CHECK(bulky.receiver.bytes == bytes);
    CHECK(on.kernel->waiting(IORING_OP_RECV) == 0);
    bulky.receiver.receive.stop();
    end_stop(on, bulky.receiver, on.kernel->take(IORING_OP_POLL_ADD));
  }
  SECTION("nothing, after all") {
    bulky.make_ready();
    CHECK(bulky.receiver.bytes.empty());
    CHECK(bulky.receiver.errors.empty());
    bulky.receiver.receive.stop();
    end_stop(on, bulky.receiver, on.kernel->take(IORING_OP_RECV));
  }
  SECTION("the end") {
    bulky.pair.far.reset();
    bulky.make_ready(POLLIN | POLLRDHUP);
    CHECK(bulky.receiver.ends == 1);
    CHECK(!bulky.receiver.receive.in_flight());
  }
  SECTION("an error") {
    reset_connection(std::move(bulky.pair.far));
    bulky.make_ready(POLLIN | POLLERR | POLLHUP);
    CHECK(bulky.receiver.errors == std::vector<int>{ECONNRESET});
    CHECK(!bulky.receiver.receive.in_flight());
  }
  SECTION("what cannot be polled, and is told by the receive") {
    on.kernel->complete(bulky.poll, -EBADF);
    turn(*on.driver, 0);
    turn(*on.driver, 0);
    on.kernel->complete(on.kernel->take(IORING_OP_RECV), -EBADF);
    turn(*on.driver, 0);
    CHECK(bulky.receiver.errors == std::vector<int>{EBADF});
  }
}

TEST_CASE("UringDriver: a receive that waits for readiness is paused and stopped as any", "[io]") {
  Bulky bulky;
  Scripted& on = bulky.on;
  write_all(bulky.pair.far, "later");
  bulky.receiver.receive.pause();
  turn(*on.driver, 0);
  CHECK(on.kernel->take(IORING_OP_ASYNC_CANCEL).addr == bulky.poll.user_data);
  SECTION("paused, although something has come") {
    bulky.make_ready();
    CHECK(!bulky.receiver.receive.in_flight());
    CHECK(bulky.receiver.bytes.empty());
    bulky.receiver.receive.start();
    turn(*on.driver, 0);
    bulky.read_and_stop("later");
  }
  SECTION("started again before the cancellation is through") {
    bulky.receiver.receive.start();
    on.kernel->complete(bulky.poll, -ECANCELED);
    turn(*on.driver, 0);
    turn(*on.driver, 0);
    bulky.read_and_stop("later");
  }
  SECTION("stopped, although something has come") {
    bulky.receiver.receive.stop();
    bulky.make_ready();
    CHECK(bulky.receiver.stops == 1);
    CHECK(bulky.receiver.bytes.empty());
  }
}

TEST_CASE("UringDriver finds an end that the kernel has forgotten to tell", "[io]") {
  constexpr auto period_ns = 10 * ringhorn::base::ns_per_ms;
  Scripted on({.queue_entries = 4, .receive_buffer_count = 2, .recheck_ns = period_ns});
  Pair pair = make_tcp_pair();
  Receiver receiver(*on.driver, pair.near);
  receiver.receive.start();
  turn(*on.driver, 0);
  const io_uring_sqe request = on.kernel->take(IORING_OP_RECV);
  const auto begin_ns = ringhorn::base::monotonic_ns();
  const auto is_looking = [&] {
    return on.driver->timers().next_deadline_ns() != io::TimerQueue::never;
  };
  SECTION("after bytes") {
    on.kernel->deliver(request, "GET ");
    turn(*on.driver, 0);
    SECTION("a reset") {
      reset_connection(std::move(pair.far));
    }
    SECTION("an end") {
      pair.far.reset();
    }
    while (on.kernel->waiting(IORING_OP_ASYNC_CANCEL) == 0 &&
           ringhorn::base::monotonic_ns() - begin_ns < patience_ns) {
      turn(*on.driver, 0);
    }
    CHECK(on.kernel->take(IORING_OP_ASYNC_CANCEL).addr == request.user_data);
    on.kernel->complete(request, -ECANCELED);
    turn(*on.driver, 0);
    turn(*on.driver, 0);
    // The next request tells what has happened.
    on.kernel->complete(on.kernel->take(IORING_OP_RECV), -ECONNRESET);
    turn(*on.driver, 0);
    CHECK(receiver.errors == std::vector<int>{ECONNRESET});
    CHECK(receiver.bytes == "GET ");
    CHECK(!is_looking());
    return;
  }
  SECTION("but not where the peer is still there; nobody looks for ever") {
    on.kernel->deliver(request, "GET ");
    turn(*on.driver, 0);
    CHECK(is_looking());
    while (is_looking() && ringhorn::base::monotonic_ns() - begin_ns < patience_ns) {
      turn(*on.driver, 0);
    }
    CHECK(!is_looking());
  }
  SECTION("nor before there were bytes, or when there are more") {
    pair.far.reset();
    on.kernel->deliver(request, "GET ", IORING_CQE_F_MORE | IORING_CQE_F_SOCK_NONEMPTY);
    turn(*on.driver, 0);
    CHECK(!is_looking());
  }
  CHECK(on.kernel->waiting(IORING_OP_ASYNC_CANCEL) == 0);
  receiver.receive.stop();
  end_stop(on, receiver, request);
}

TEST_CASE("UringDriver asks once for the end of a request", "[io]") {
  Scripted on;
  Receiver receiver(*on.driver, any_fd());
  receiver.receive.start();
  turn(*on.driver, 0);
  const io_uring_sqe request = on.kernel->take(IORING_OP_RECV);
  receiver.receive.pause();
  receiver.receive.start();
  receiver.receive.pause();
  receiver.receive.stop();
  receiver.receive.stop();
  end_stop(on, receiver, request);
  CHECK(on.kernel->waiting(IORING_OP_ASYNC_CANCEL) == 0);
}

TEST_CASE("UringDriver arms a receive again whose request ended with bytes", "[io]") {
  Scripted on;
  Receiver receiver(*on.driver, any_fd());
  receiver.receive.start();
  turn(*on.driver, 0);
  const io_uring_sqe request = on.kernel->take(IORING_OP_RECV);
  on.kernel->deliver(request, "last of this", 0);
  SECTION("wanted") {
    turn(*on.driver, 0);
    CHECK(receiver.bytes == "last of this");
    turn(*on.driver, 0);
    on.kernel->take(IORING_OP_RECV);
    receiver.receive.stop();
    end_stop(on, receiver, request);
  }
  SECTION(
      "paused by its handler: the handler hears of the bytes only, the next request is taken "
      "back") {
    receiver.then = [&] { receiver.receive.pause(); };
    turn(*on.driver, 0);
    turn(*on.driver, 0);
    on.kernel->complete(on.kernel->take(IORING_OP_RECV), -ECANCELED);
    turn(*on.driver, 0);
    CHECK(!receiver.receive.in_flight());
  }
  SECTION("paused before") {
    receiver.receive.pause();
    turn(*on.driver, 0);
    CHECK(receiver.bytes == "last of this");
    CHECK(!receiver.receive.in_flight());
    CHECK(on.kernel->waiting(IORING_OP_RECV) == 0);
  }
}

TEST_CASE("UringDriver: a receive that the kernel gives up unasked goes on (robustness 78)",
          "[io]") {
  Scripted on;
  Receiver receiver(*on.driver, any_fd());
  receiver.receive.start();
  io_uring_sqe request{};
  for (const int error : {ECANCELED, EINTR, EAGAIN}) {
    turn(*on.driver, 0);
    request = on.kernel->take(IORING_OP_RECV);
    on.kernel->complete(request, -error);
    turn(*on.driver, 0);
    CHECK(receiver.receive.in_flight());
  }
  turn(*on.driver, 0);
  on.kernel->deliver(on.kernel->take(IORING_OP_RECV), "still here");
  turn(*on.driver, 0);
  CHECK(receiver.bytes == "still here");
  CHECK(receiver.errors.empty());
  receiver.receive.stop();
  end_stop(on, receiver, request);
}

TEST_CASE("UringDriver drops bytes that come after a stop, and gives their buffer back", "[io]") {
  Scripted on;
  Receiver receiver(*on.driver, any_fd());
  receiver.receive.start();
  turn(*on.driver, 0);
  const io_uring_sqe request = on.kernel->take(IORING_OP_RECV);
  receiver.receive.stop();
  on.kernel->deliver(request, "too late");
  SECTION("then the request ends") {
    end_stop(on, receiver, request);
  }
  SECTION("with an end of their own; the cancellation finds nothing") {
    on.kernel->deliver(request, "last", 0);
    turn(*on.driver, 0);
    on.kernel->complete(on.kernel->take(IORING_OP_ASYNC_CANCEL), -ENOENT);
    turn(*on.driver, 0);
  }
  CHECK(receiver.stops == 1);
  CHECK(receiver.bytes.empty());
  CHECK(on.kernel->free_buffers() == 2);
}

TEST_CASE("UringDriver tells how much of a send was taken, and of its end (robustness 78)",
          "[io]") {
  Scripted on;
  Sender sender(*on.driver, any_fd());
  sender.send.start("six by");
  turn(*on.driver, 0);
  const io_uring_sqe request = on.kernel->take(IORING_OP_SEND);
  CHECK(request.len == 6);
  SECTION("short") {
    on.kernel->complete(request, 4);
    turn(*on.driver, 0);
    CHECK(sender.sent == std::vector<std::size_t>{4});
  }
  SECTION("interrupted: it is sent again") {
    for (const int error : {EINTR, EAGAIN}) {
      on.kernel->complete(request, -error);
      turn(*on.driver, 0);
      turn(*on.driver, 0);
      CHECK(on.kernel->take(IORING_OP_SEND).len == 6);
    }
    on.kernel->complete(request, 6);
    turn(*on.driver, 0);
    CHECK(sender.sent == std::vector<std::size_t>{6});
  }
  SECTION("given up unasked") {
    on.kernel->complete(request, -ECANCELED);
    turn(*on.driver, 0);
    CHECK(sender.errors == std::vector<int>{ECANCELED});
  }
  SECTION("stopped, but the bytes were faster") {
    sender.send.stop();
    on.kernel->complete(request, 6);
    turn(*on.driver, 0);
    CHECK(sender.sent == std::vector<std::size_t>{6});
    CHECK(sender.errors.empty());
  }
  SECTION("stopped") {
    sender.send.stop();
    turn(*on.driver, 0);
    on.kernel->take(IORING_OP_ASYNC_CANCEL);
    on.kernel->complete(request, -ECANCELED);
    turn(*on.driver, 0);
    CHECK(sender.errors == std::vector<int>{ECANCELED});
  }
  CHECK(!sender.send.in_flight());
}

TEST_CASE("UringDriver arms an accept again that ended, unless the error is its own", "[io]") {
  Scripted on;
  Acceptor acceptor(*on.driver, any_fd());
  acceptor.accept.start();
  turn(*on.driver, 0);
  const io_uring_sqe request = on.kernel->take(IORING_OP_ACCEPT);
  CHECK((request.ioprio & IORING_ACCEPT_MULTISHOT) != 0);
  SECTION("with a connection") {
    on.kernel->complete(request, ::dup(0), IORING_CQE_F_MORE);
    on.kernel->complete(request, ::dup(0));
    turn(*on.driver, 0);
    CHECK(acceptor.sockets.size() == 2);
  }
  SECTION("with an error of one connection") {
    on.kernel->complete(request, -ECONNABORTED);
    turn(*on.driver, 0);
    CHECK(acceptor.errors.empty());
  }
  SECTION("out of descriptors: told once, and started by the owner (robustness 76)") {
    on.kernel->complete(request, -EMFILE);
    turn(*on.driver, 0);
    turn(*on.driver, 0);
    CHECK(acceptor.errors == std::vector<int>{EMFILE});
    CHECK(on.kernel->waiting(IORING_OP_ACCEPT) == 0);
    acceptor.accept.start();
  }
  turn(*on.driver, 0);
  on.kernel->take(IORING_OP_ACCEPT);
  acceptor.accept.stop();
  end_stop(on, acceptor, request);
}

TEST_CASE("UringDriver hears of wake() after its request has ended", "[io]") {
  struct Woken final : io::WakeHandler {
    void on_woken() override { ++count; }
    int count = 0;
  } woken;
  Scripted on;
  on.driver->on_wake(&woken);
  for (int times = 1; times <= 3; ++times) {
    on.driver->wake();
    on.kernel->complete(on.wake, POLLIN);
    turn(*on.driver, 0);
    CHECK(woken.count == times);
    turn(*on.driver, 0);
    on.wake = on.kernel->take(IORING_OP_POLL_ADD);
  }
}

TEST_CASE("UringDriver stops a poll whose report is on the way", "[io]") {
  Scripted on;
  Poller poller(*on.driver, 7);
  poller.poll.start(POLLIN);
  turn(*on.driver, 0);
  const io_uring_sqe request = on.kernel->take(IORING_OP_POLL_ADD);
  on.kernel->complete(request, POLLIN);
  poller.poll.stop();
  turn(*on.driver, 0);
  CHECK(poller.ready.empty());
  CHECK(poller.stops == 1);
  on.kernel->complete(on.kernel->take(IORING_OP_ASYNC_CANCEL), -ENOENT);
  turn(*on.driver, 0);
  CHECK(poller.stops == 1);
}

TEST_CASE("UringDriver does not take a kernel without multishot receive", "[io]") {
  using Probe = ScriptedKernel::Probe;
  for (const Probe probe : {Probe::refused, Probe::ends}) {
    io::UringDriver driver(std::make_unique<ScriptedKernel>(probe));
    const auto opened = driver.open(small);
    REQUIRE(!opened);
    CHECK(opened.error().find("too old") != std::string::npos);
  }
}

TEST_CASE("UringDriver does without shared buffers where they are refused or broken", "[io]") {
  using Probe = ScriptedKernel::Probe;
  using Sharing = ScriptedKernel::Sharing;
  for (const Sharing sharing : {Sharing::refused, Sharing::broken}) {
    auto owned = std::make_unique<ScriptedKernel>(Probe::works, sharing);
    ScriptedKernel& kernel = *owned;
    io::UringDriver driver(std::move(owned));
    REQUIRE(driver.open(small));
    CHECK(kernel.free_buffers() == small.receive_buffer_count);
  }
}

TEST_CASE("UringDriver that waits is idle, where the kernel can tell", "[io]") {
  static constexpr unsigned feature_no_iowait = 1U << 17;
  constexpr unsigned enter_no_iowait = 1U << 7;
  const unsigned features = GENERATE(0U, feature_no_iowait);
  auto owned = std::make_unique<ScriptedKernel>();
  ScriptedKernel& kernel = *owned;
  kernel.features = features;
  io::UringDriver driver(std::move(owned));
  REQUIRE(driver.open(small));
  turn(driver, 0);
  CHECK((kernel.last_flags & enter_no_iowait) == 0);
  Poller poller(driver, 7);
  poller.poll.start(POLLIN);
  turn(driver, 0);
  kernel.take(IORING_OP_POLL_ADD);  // that of the wake
  kernel.on_enter = [&] { kernel.complete(kernel.take(IORING_OP_POLL_ADD), POLLIN); };
  turn(driver, io::Driver::forever);
  CHECK(poller.ready.size() == 1);
  CHECK(((kernel.last_flags & enter_no_iowait) != 0) == (features != 0));
}
