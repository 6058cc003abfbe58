#include <ringhorn/io/accept.hpp>

#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>

#include "io_support.hpp"

using namespace io_test;

namespace {

/// Leaves this process no free descriptor for as long as it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved_) == 0);
    const UniqueFd lowest_free(::dup(0));
    REQUIRE(lowest_free);
    const rlimit none{static_cast<rlim_t>(lowest_free.value()), saved_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &saved_); }

 private:
  rlimit saved_{};
};

}  // namespace

TEST_CASE_METHOD(EachBackend,
                 "Accept takes one connection after the other, non-blocking and close-on-exec",
                 "[io]") {
  const auto driver = make_driver();
  const UniqueFd listener = make_listener();
  Acceptor acceptor(*driver, listener);
  acceptor.accept.start();
  std::vector<UniqueFd> clients;
  for (std::size_t count = 1; count <= 20; ++count) {
    clients.push_back(connect_to(listener));
    run_until(*driver, [&] { return acceptor.sockets.size() == count; });
    const int fd = acceptor.sockets.back().value();
    REQUIRE((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    REQUIRE((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    write_all(acceptor.sockets.back(), "hello");
    char byte = 0;
    REQUIRE(::read(clients.back().value(), &byte, 1) == 1);
  }
  stop_and_wait(*driver, acceptor, acceptor.accept);
}

TEST_CASE_METHOD(EachBackend, "Accept takes what was queued before it started", "[io]") {
  const auto driver = make_driver();
  const UniqueFd listener = make_listener();
  std::vector<UniqueFd> clients;
  for (int count = 0; count < 10; ++count) {
    clients.push_back(connect_to(listener));
  }
  Acceptor acceptor(*driver, listener);
  acceptor.accept.start();
  run_until(*driver, [&] { return acceptor.sockets.size() == 10; });
  stop_and_wait(*driver, acceptor, acceptor.accept);
}

TEST_CASE_METHOD(EachBackend,
                 "Accept tells of EMFILE once, rests, and goes on when started (robustness 76)",
                 "[io]") {
  const auto driver = make_driver();
  const UniqueFd listener = make_listener();
  const UniqueFd early = connect_to(listener);
  Acceptor acceptor(*driver, listener);
  {
    const NoDescriptors none;
    acceptor.accept.start();
    run_until(*driver, [&] { return !acceptor.errors.empty(); });
    settle(*driver);
  }
  // Asserted out here: the sanitizer's own checks need a descriptor.
  REQUIRE(acceptor.errors == std::vector<int>{EMFILE});
  REQUIRE(!acceptor.accept.in_flight());
  REQUIRE(acceptor.sockets.empty());
  acceptor.accept.start();
  run_until(*driver, [&] { return acceptor.sockets.size() == 1; });
  const UniqueFd late = connect_to(listener);
  run_until(*driver, [&] { return acceptor.sockets.size() == 2; });
  stop_and_wait(*driver, acceptor, acceptor.accept);
}

TEST_CASE_METHOD(EachBackend, "Accept tells of a socket that does not listen", "[io]") {
  const auto driver = make_driver();
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Acceptor acceptor(*driver, socket);
  acceptor.accept.start();
  run_until(*driver, [&] { return !acceptor.errors.empty(); });
  REQUIRE(acceptor.errors == std::vector<int>{EINVAL});
}

TEST_CASE_METHOD(EachBackend, "Accept stops exactly once, in every state, and drops no connection",
                 "[io]") {
  const auto driver = make_driver();
  const UniqueFd listener = make_listener();
  Acceptor acceptor(*driver, listener);
  std::vector<UniqueFd> clients;
  SECTION("never started") {}
  SECTION("started in the same turn") {
    acceptor.accept.start();
  }
  SECTION("waiting") {
    acceptor.accept.start();
    settle(*driver);
  }
  SECTION("with connections on the way") {
    acceptor.accept.start();
    settle(*driver);
    for (int count = 0; count < 3; ++count) {
      clients.push_back(connect_to(listener));
    }
    driver->wait(patience_ns);
  }
  acceptor.accept.stop();
  acceptor.accept.stop();
  REQUIRE(acceptor.stops == 0);
  run_until(*driver, [&] { return acceptor.stops > 0; });
  settle(*driver);
  REQUIRE(acceptor.stops == 1);
  // What comes after the stop is left in the kernel's queue for another worker.
  const std::size_t accepted = acceptor.sockets.size();
  clients.push_back(connect_to(listener));
  settle(*driver);
  REQUIRE(acceptor.sockets.size() == accepted);
  std::vector<UniqueFd> left;
  do {
    left.emplace_back(::accept4(listener.value(), nullptr, nullptr, SOCK_CLOEXEC));
  } while (left.back());
  left.pop_back();
  REQUIRE(!left.empty());
  REQUIRE(accepted + left.size() == clients.size());
}

TEST_CASE_METHOD(EachBackend, "Accept may be stopped by its own handler", "[io]") {
  const auto driver = make_driver();
  const UniqueFd listener = make_listener();
  Acceptor acceptor(*driver, listener);
  acceptor.then = [&] { acceptor.accept.stop(); };
  acceptor.accept.start();
  const UniqueFd client = connect_to(listener);
  run_until(*driver, [&] { return acceptor.stops == 1; });
  REQUIRE(acceptor.sockets.size() == 1);
}
