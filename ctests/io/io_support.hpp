/// What the tests of `io` share: drivers, connected sockets, handlers that write down what they
/// were told, and turns of the loop that end when a condition holds.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/io/accept.hpp>
#include <ringhorn/io/backend.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/io/poll.hpp>
#include <ringhorn/io/receive.hpp>
#include <ringhorn/io/send.hpp>

#include "support/catch.hpp"

namespace io_test {

namespace io = ringhorn::io;
using ringhorn::base::UniqueFd;

/// No wait of a test is meant to last this long: it is a failure, not a delay.
inline constexpr ringhorn::base::Nanoseconds patience_ns = 10 * ringhorn::base::ns_per_s;

/// The fixture of tests that hold for every driver: they run once on each backend, on the ring with
/// receive buffers of either kind.
class EachBackend {
 protected:
  std::unique_ptr<io::Driver> make_driver(io::UringSettings sizes = {}) const {
    sizes.share_receive_buffers = way_ == Way::shared_buffers;
    sizes.shared_buffer_count = sizes.receive_buffer_count;
    sizes.shared_buffer_bytes = sizes.receive_buffer_bytes;
    const io::Backend backend = on_epoll() ? io::Backend::epoll : io::Backend::uring;
    auto made =
        io::make_driver(backend, sizes, {sizes.receive_buffer_bytes, sizes.events_per_turn});
    if (!made) {
      FAIL(made.error());
    }
    return std::move(made.value().driver);
  }
  bool on_epoll() const noexcept { return way_ == Way::epoll; }

 private:
  enum class Way { shared_buffers, single_buffers, epoll };
  Way way_ = GENERATE(Way::shared_buffers, Way::single_buffers, Way::epoll);
};

/// One turn as the worker does it.
inline void turn(io::Driver& driver, ringhorn::base::Nanoseconds timeout_ns) {
  driver.flush();
  driver.wait(timeout_ns);
  driver.dispatch();
}

/// Turns until `done()`; fails when nothing happens for too long.
inline void run_until(io::Driver& driver, const std::function<bool()>& done) {
  const auto give_up_ns = ringhorn::base::monotonic_ns() + patience_ns;
  while (!done()) {
    turn(driver, patience_ns);
    if (ringhorn::base::monotonic_ns() > give_up_ns) {
      FAIL("the awaited event did not come");
    }
  }
}

/// Turns until the kernel has nothing more to tell: what should not have come would be here. One
/// turn more than there is something to do, since a driver asks the kernel in every second only.
inline void settle(io::Driver& driver) {
  bool busy = true;
  do {
    busy = driver.has_completions() || driver.has_submissions();
    turn(driver, 0);
  } while (busy || driver.has_completions());
}

struct Pair {
  UniqueFd near;  ///< the end under test
  UniqueFd far;   ///< the peer, blocking
};

inline Pair make_pair() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// A listening socket on the loopback.
inline UniqueFd make_listener() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd.value(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.value(), 64) == 0);
  return fd;
}

/// A blocking client of `listener`.
inline UniqueFd connect_to(const UniqueFd& listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  REQUIRE(::getsockname(listener.value(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(client.value(), reinterpret_cast<sockaddr*>(&address), length) == 0);
  return client;
}

inline Pair make_tcp_pair() {
  const UniqueFd listener = make_listener();
  UniqueFd client = connect_to(listener);
  UniqueFd accepted;
  // connect() is back before the accept queue of a non-blocking listener must be filled.
  while (!accepted) {
    accepted.reset(::accept4(listener.value(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  return {std::move(accepted), std::move(client)};
}

/// Closes a TCP socket so that its peer gets RST.
inline void reset_connection(UniqueFd fd) {
  const linger at_once{1, 0};
  REQUIRE(::setsockopt(fd.value(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
}

inline void write_all(const UniqueFd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd.value(), bytes.data(), bytes.size());
    REQUIRE(count > 0);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

/// Reads what is there without waiting.
inline std::string read_some(const UniqueFd& fd) {
  std::string bytes(65536, '\0');
  const ssize_t count = ::recv(fd.value(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return bytes;
}

/// A run of bytes in which every place is recognisable.
inline std::string make_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size; ++at) {
    bytes[at] = static_cast<char>('a' + (at * 7 + at / 251) % 26);
  }
  return bytes;
}

struct Receiver final : io::ReceiveHandler {
  Receiver(io::Driver& driver, const UniqueFd& fd) : receive(driver, fd.value(), *this) {}

  void on_received(std::span<char> part) override {
    REQUIRE(!part.empty());
    bytes.append(part.data(), part.size());
    // The memory may be written to: nobody else may see it any more.
    std::fill(part.begin(), part.end(), '#');
    ++parts;
    if (then) {
      then();
    }
  }
  void on_receive_end() override { ++ends; }
  void on_receive_error(int number) override { errors.push_back(number); }
  void on_receive_stopped() override { ++stops; }

  io::Receive receive;
  std::string bytes;
  int parts = 0;
  int ends = 0;
  int stops = 0;
  std::vector<int> errors;
  std::function<void()> then;
};

struct Sender final : io::SendHandler {
  Sender(io::Driver& driver, const UniqueFd& fd) : send(driver, fd.value(), *this) {}

  void on_sent(std::size_t count) override { sent.push_back(count); }
  void on_send_error(int number) override { errors.push_back(number); }

  io::Send send;
  std::vector<std::size_t> sent;
  std::vector<int> errors;
};

struct Poller final : io::PollHandler {
  Poller(io::Driver& driver, int fd) : poll(driver, fd, *this) {}

  void on_ready(short events) override { ready.push_back(events); }
  void on_poll_stopped() override { ++stops; }

  io::Poll poll;
  std::vector<short> ready;
  int stops = 0;
};

struct Acceptor final : io::AcceptHandler {
  Acceptor(io::Driver& driver, const UniqueFd& fd) : accept(driver, fd.value(), *this) {}

  void on_accepted(UniqueFd socket) override {
    sockets.push_back(std::move(socket));
    if (then) {
      then();
    }
  }
  void on_accept_error(int number) override { errors.push_back(number); }
  void on_accept_stopped() override { ++stops; }

  io::Accept accept;
  std::vector<UniqueFd> sockets;
  std::vector<int> errors;
  int stops = 0;
  std::function<void()> then;
};

/// Stops what a test has left running, so that it may be destroyed.
template <typename Handler, typename Operation>
void stop_and_wait(io::Driver& driver, Handler& handler, Operation& operation) {
  const int before = handler.stops;
  operation.stop();
  run_until(driver, [&] { return handler.stops > before; });
  REQUIRE(!operation.in_flight());
}

}  // namespace io_test
