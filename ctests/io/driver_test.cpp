#include <ringhorn/io/driver.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <deque>
#include <thread>

#include "io_support.hpp"

using namespace io_test;
using ringhorn::base::ns_per_s;

namespace {

struct Hook final : io::FlushHook {
  explicit Hook(std::vector<int>& calls, int number) : calls_(calls), number_(number) {}
  void on_flush() override {
    REQUIRE(linked());
    calls_.push_back(number_);
    if (then) {
      then();
    }
  }
  std::function<void()> then;

 private:
  std::vector<int>& calls_;
  int number_;
};

struct Woken final : io::WakeHandler {
  void on_woken() override {
    ++count;
    if (then) {
      then();
    }
  }
  int count = 0;
  std::function<void()> then;
};

/// The driver that the signal handlers of this file wake: they can be told nothing else.
std::atomic<io::Driver*> signalled_driver = nullptr;

/// Sends SIGALRM every millisecond, to `handler`, for as long as it lives.
class Alarms {
 public:
  explicit Alarms(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    REQUIRE(::sigaction(SIGALRM, &action, &saved_) == 0);
    const itimerval every_ms{{0, 1000}, {0, 1000}};
    REQUIRE(::setitimer(ITIMER_REAL, &every_ms, nullptr) == 0);
  }
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;
  ~Alarms() {
    const itimerval off{};
    ::setitimer(ITIMER_REAL, &off, nullptr);
    ::sigaction(SIGALRM, &saved_, nullptr);
  }

 private:
  struct sigaction saved_ {};
};

}  // namespace

TEST_CASE_METHOD(EachBackend,
                 "Driver flushes hooks in order, also when they unlink and add each other",
                 "[io]") {
  const auto driver = make_driver();
  std::vector<int> calls;
  Hook a(calls, 1), b(calls, 2), c(calls, 3), late(calls, 4);
  driver->flush();
  driver->add_flush_hook(a);
  driver->add_flush_hook(b);
  driver->add_flush_hook(c);
  driver->flush();
  driver->flush();
  REQUIRE(calls == std::vector<int>{1, 2, 3, 1, 2, 3});
  calls.clear();
  a.then = [&] {
    a.unlink();
    b.unlink();
    driver->add_flush_hook(late);
  };
  driver->flush();
  REQUIRE(calls == std::vector<int>{1, 3});
  driver->flush();
  REQUIRE(calls.size() == 4);
  REQUIRE(std::count(calls.begin() + 2, calls.end(), 4) == 1);
}

TEST_CASE_METHOD(EachBackend, "Driver wakes from another thread, once for many calls", "[io]") {
  const auto driver = make_driver();
  Woken woken;
  driver->on_wake(&woken);
  settle(*driver);
  std::thread waker([&] {
    for (int times = 0; times < 100; ++times) {
      driver->wake();
    }
  });
  waker.join();
  REQUIRE(driver->wait(io::Driver::forever));
  REQUIRE(driver->has_completions());
  REQUIRE(woken.count == 0);
  driver->dispatch();
  settle(*driver);
  REQUIRE(woken.count == 1);
}

TEST_CASE_METHOD(EachBackend,
                 "Driver ends a wait that has begun when another thread wakes it, every time",
                 "[io]") {
  const auto driver = make_driver();
  Woken woken;
  driver->on_wake(&woken);
  std::atomic<int> heard = 0;
  constexpr int rounds = 2000;
  woken.then = [&] {
    ++heard;
    heard.notify_one();
  };
  std::thread waker([&] {
    for (int round = 0; round < rounds; ++round) {
      driver->wake();
      heard.wait(round);
    }
  });
  run_until(*driver, [&] { return woken.count == rounds; });
  waker.join();
}

TEST_CASE_METHOD(EachBackend, "Driver gives a wake asked for in the handler a call of its own",
                 "[io]") {
  const auto driver = make_driver();
  Woken woken;
  driver->on_wake(&woken);
  woken.then = [&] {
    if (woken.count < 3) {
      driver->wake();
    }
  };
  driver->wake();
  run_until(*driver, [&] { return woken.count == 3; });
}

TEST_CASE_METHOD(EachBackend, "Driver wakes from a signal handler", "[io]") {
  const auto driver = make_driver();
  Woken woken;
  driver->on_wake(&woken);
  signalled_driver = driver.get();
  {
    const Alarms alarms([](int) {
      errno = ENOENT;
      signalled_driver.load()->wake();
      if (errno != ENOENT) {
        std::abort();
      }
    });
    run_until(*driver, [&] { return woken.count >= 3; });
  }
  signalled_driver = nullptr;
}

TEST_CASE_METHOD(EachBackend,
                 "Driver says that a signal broke the wait, with and without requests to submit",
                 "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  const Alarms alarms([](int) {});
  REQUIRE(!driver->wait(io::Driver::forever));
  driver->dispatch();
  receiver.receive.start();
  // A driver may look for bytes before it waits.
  if (driver->has_completions()) {
    turn(*driver, 0);
  }
  REQUIRE(!driver->wait(io::Driver::forever));
  driver->dispatch();
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE_METHOD(EachBackend, "Driver keeps to the timeout of a wait", "[io]") {
  const auto driver = make_driver();
  const auto begin_ns = ringhorn::base::monotonic_ns();
  turn(*driver, 0);
  while (ringhorn::base::monotonic_ns() - begin_ns < ns_per_s / 50) {
    // Not asked whether a signal broke it: the kernel takes down a ring of an earlier test behind
    // this thread's back, and that counts as one.
    driver->wait(ns_per_s / 100);
    driver->dispatch();
  }
  REQUIRE(ringhorn::base::monotonic_ns() - begin_ns < 5 * ns_per_s);
}

TEST_CASE_METHOD(EachBackend,
                 "Driver handles a bounded number of events a turn and waits for none that is left",
                 "[io]") {
  const auto driver = make_driver({.events_per_turn = 3});
  const Pair pair = make_pair();
  std::deque<Poller> pollers;
  for (int index = 0; index < 10; ++index) {
    pollers.emplace_back(*driver, pair.near.value()).poll.start(POLLOUT);
  }
  const auto reported = [&] {
    return std::count_if(pollers.begin(), pollers.end(),
                         [](const Poller& poller) { return !poller.ready.empty(); });
  };
  for (const int expected : {3, 6, 9, 10}) {
    driver->wait(io::Driver::forever);
    driver->dispatch();
    REQUIRE(reported() == expected);
  }
  REQUIRE(!driver->has_completions());
}

TEST_CASE_METHOD(EachBackend, "Driver closes a descriptor behind what is queued for it", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_pair();
  const int number = pair.near.value();
  Sender sender(*driver, pair.near);
  sender.send.start("goodbye");
  run_until(*driver, [&] { return !sender.sent.empty(); });
  driver->close(std::move(pair.near));
  REQUIRE(!pair.near);
  settle(*driver);
  REQUIRE(::fcntl(number, F_GETFD) == -1);
  char bytes[16];
  REQUIRE(::read(pair.far.value(), bytes, sizeof bytes) == 7);
  REQUIRE(::read(pair.far.value(), bytes, sizeof bytes) == 0);
}

TEST_CASE_METHOD(EachBackend, "Driver sends the last close on its way when it goes", "[io]") {
  Pair pair = make_pair();
  {
    const auto driver = make_driver();
    driver->close(std::move(pair.near));
  }
  char byte = 0;
  REQUIRE(::read(pair.far.value(), &byte, 1) == 0);
}

TEST_CASE_METHOD(EachBackend,
                 "Driver of a forked child can be destroyed without harm to the parent", "[io]") {
  auto driver = make_driver();
  const Pair pair = make_pair();
  Receiver receiver(*driver, pair.near);
  receiver.receive.start();
  settle(*driver);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    driver.reset();
    ::_exit(0);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  write_all(pair.far, "still here");
  run_until(*driver, [&] { return receiver.bytes == "still here"; });
  stop_and_wait(*driver, receiver, receiver.receive);
}

TEST_CASE_METHOD(EachBackend, "Driver does nothing in a forked child", "[io]") {
  auto driver = make_driver();
  Pair pair = make_pair();
  Pair other = make_pair();
  Receiver receiver(*driver, pair.near);
  Sender sender(*driver, pair.near);
  Poller poller(*driver, pair.near.value());
  receiver.receive.start();
  poller.poll.start(POLLPRI);
  settle(*driver);
  sender.send.start("from the parent", io::Report::promptly);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool quiet = driver->inherited() && !driver->has_completions() && !driver->has_submissions();
    receiver.receive.stop();
    poller.poll.stop();
    sender.send.stop();
    {
      Sender another(*driver, other.near);
      another.send.start("from the child", io::Report::promptly);
      Poller one_more(*driver, other.near.value());
      one_more.poll.start(POLLIN);
      driver->wake();
      driver->close(std::move(other.near));
      turn(*driver, io::Driver::forever);
    }
    quiet = quiet && receiver.receive.in_flight() && receiver.bytes.empty();
    ::_exit(quiet ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE_FALSE(driver->inherited());
  run_until(*driver, [&] { return !sender.send.in_flight(); });
  char bytes[32];
  REQUIRE(::read(pair.far.value(), bytes, sizeof bytes) == 15);
  REQUIRE(::recv(other.far.value(), bytes, sizeof bytes, MSG_DONTWAIT) == -1);
  write_all(pair.far, "still here");
  run_until(*driver, [&] { return receiver.bytes == "still here"; });
  stop_and_wait(*driver, receiver, receiver.receive);
  stop_and_wait(*driver, poller, poller.poll);
}

TEST_CASE_METHOD(EachBackend, "Driver leaves no descriptor behind (robustness 76)", "[io]") {
  const auto lowest_free = [] { return UniqueFd(::dup(0)).value(); };
  const int before = lowest_free();
  for (int round = 0; round < 10; ++round) {
    const auto driver = make_driver();
    const UniqueFd listener = make_listener();
    Acceptor acceptor(*driver, listener);
    acceptor.accept.start();
    for (int connections = 0; connections < 20; ++connections) {
      const UniqueFd client = connect_to(listener);
      run_until(*driver, [&] { return !acceptor.sockets.empty(); });
      driver->close(std::move(acceptor.sockets.back()));
      acceptor.sockets.clear();
    }
    stop_and_wait(*driver, acceptor, acceptor.accept);
  }
  REQUIRE(lowest_free() == before);
}
