// What a plain request may cost once the pools are warm: not one allocation, not one timer.
#include "support/world.hpp"

#if !defined(__SANITIZE_ADDRESS__) && defined(__GLIBC__)

extern "C" void* __libc_malloc(std::size_t size);

namespace {
bool counting = false;
std::size_t allocations = 0;
}  // namespace

// Replaces malloc(3) for this program, so that operator new is counted as well.
extern "C" __attribute__((visibility("default"))) void* malloc(std::size_t size) {
  allocations += counting ? 1 : 0;
  return __libc_malloc(size);
}

namespace ringhorn::test {
namespace {

/// Answers everything at once and allocates nothing itself.
struct PlainApplication final : net::Application, net::RequestHandler {
  void on_request(net::Exchange& exchange) override {
    exchange.attach(*this);
    exchange.begin_response(200, false);
    exchange.add_field("content-type", "text/plain");
    exchange.send_body("hello", true);
  }
  void on_web_socket(net::Exchange& exchange, const ws::Handshake&) override {
    on_request(exchange);
  }
  void on_body_ready() override {}
  void on_writable() override {}
  void on_disconnect() override {}
};

TEST_CASE("Session serves a plain request without an allocation (lesson 35)", "[net]") {
  PlainApplication plain;
  net::Settings settings = test_settings();
  settings.date_header = true;
  World world(settings, plain);
  constexpr std::size_t count = 8;
  std::vector<Client> clients;
  clients.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(world.connect());
  }
  const std::string get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
  for (std::size_t round = 0; round < 100; ++round) {
    for (Client& client : clients) {
      client.send(get);
    }
    counting = round >= 50;
    const bool answered =
        world.until([&] { return world.server().finished_count() == count * (round + 1); });
    world.turns(3);
    counting = false;
    REQUIRE(answered);
    for (Client& client : clients) {
      REQUIRE(world.receive(client, "hello"));
      client.take();
    }
  }
  CHECK(allocations == 0);
}

}  // namespace
}  // namespace ringhorn::test

#endif
