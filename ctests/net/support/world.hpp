/// World is a server over the real driver and loopback, turned by the test itself: one thread, so
/// that a test may look at everything. `until` turns it until something is true; it never sleeps
/// longer than a turn and fails the test after a few seconds.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/net/server.hpp>
#include <ringhorn/sock/listen.hpp>
#include <ringhorn/telemetry/log.hpp>

#include "application.hpp"
#include "client.hpp"
#include "support/catch.hpp"

namespace ringhorn::test {

/// Settings whose times are short enough for a test and long enough for a slow machine.
inline net::Settings test_settings() {
  net::Settings settings;
  settings.date_header = false;
  settings.server_header.clear();
  settings.access_log = false;
  return settings;
}

class World {
 public:
  static constexpr base::Nanoseconds patience_ns = 10 * base::ns_per_s;

  explicit World(const net::Settings& settings = test_settings()) : World(settings, application) {}
  World(const net::Settings& settings, net::Application& answering)
      : log_fd_(::memfd_create("log", MFD_CLOEXEC)),
        access_fd_(::memfd_create("access", MFD_CLOEXEC)),
        log_(telemetry::Level::debug, telemetry::Colors::never, log_fd_.value(),
             access_fd_.value()) {
    auto driver = io::make_uring_driver({.queue_entries = 64, .receive_buffer_count = 32});
    REQUIRE(driver);
    driver_ = driver.take_value();
    server_ = std::make_unique<net::Server>(*driver_, answering, log_, settings);
    auto socket = sock::bind_tcp({"127.0.0.1", 0, 2048});
    REQUIRE(socket);
    const sock::Address address = sock::local_address(socket.value().value());
    port_ = address.port;
    REQUIRE(sock::listen(socket.value().value(), 2048));
    listen_fd_ = socket.value().value();
    server_->listen(socket.take_value(), address);
    server_->start();
  }
  ~World() {
    server_->abort_all();
    until([this] { return server_->idle(); });
    CHECK(server_->connection_count() == 0);
    CHECK(server_->exchange_count() == 0);
    server_.reset();
    // The closes that are queued leave with this.
    driver_->wait(0);
    driver_->dispatch();
  }

  TestApplication application;

  net::Server& server() noexcept { return *server_; }
  io::Driver& driver() noexcept { return *driver_; }
  std::uint16_t port() const noexcept { return port_; }
  int listen_fd() const noexcept { return listen_fd_; }
  Client connect(int receive_buffer = 0) { return Client(port_, receive_buffer); }

  void turn(base::Nanoseconds wait_ns = base::ns_per_ms) {
    driver_->flush();
    driver_->wait(wait_ns);
    driver_->dispatch();
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i) {
      turn(0);
    }
  }
  template <typename Condition>
  bool until(Condition condition) {
    const base::Nanoseconds limit = base::monotonic_ns() + patience_ns;
    while (!condition()) {
      if (base::monotonic_ns() > limit) {
        return false;
      }
      turn();
    }
    return true;
  }

  /// Sends all of `bytes`, however slowly the server takes them.
  bool send_all(Client& client, std::string_view bytes) {
    return until([&] {
      bytes.remove_prefix(client.send(bytes));
      return bytes.empty();
    });
  }
  /// Waits until the client has received `text`, and takes everything up to and with it.
  bool receive(Client& client, std::string_view text) {
    return until([&] {
             client.fill();
             return client.received().find(text) != std::string::npos || client.ended();
           }) &&
           client.received().find(text) != std::string::npos;
  }
  /// Everything until the server's end of the connection.
  std::string receive_all(Client& client) {
    CHECK(until([&] {
      client.fill();
      return client.ended();
    }));
    return client.take();
  }
  /// Waits until `count` requests have reached the application.
  bool requests(std::size_t count) {
    return until([&] { return application.calls.size() >= count; });
  }
  /// Waits until the server holds no connection.
  bool no_connections() {
    return until([this] { return server_->connection_count() == 0; });
  }

  std::string log_text() { return text_of(log_fd_.value()); }
  std::string access_text() { return text_of(access_fd_.value()); }

 private:
  std::string text_of(int fd) {
    log_.flush();
    std::string text(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
    const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
    CHECK(count == static_cast<ssize_t>(text.size()));
    return text;
  }

  base::UniqueFd log_fd_;
  base::UniqueFd access_fd_;
  telemetry::Log log_;
  std::unique_ptr<io::Driver> driver_;
  std::unique_ptr<net::Server> server_;
  std::uint16_t port_ = 0;
  int listen_fd_ = -1;
};

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

inline const std::string hello_response = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

}  // namespace ringhorn::test
