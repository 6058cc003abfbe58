// What a plain request may cost once the pools are warm: not one allocation, not one timer.
#include "support/world.hpp"

namespace {

bool counting = false;
std::size_t allocations = 0;

void note_allocation() {
  allocations += counting ? 1 : 0;
}

}  // namespace

// Every malloc(3) of this program is noted, and so operator new. AddressSanitizer has a hook for
// it, libc a second name to call from a malloc of our own.
#if defined(__SANITIZE_ADDRESS__)
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*,
                                                                  std::size_t),
                                                         void (*)(const volatile void*));

namespace {
[[maybe_unused]] const int hook = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { note_allocation(); }, [](const volatile void*) {});
}  // namespace
#else
extern "C" void* __libc_malloc(std::size_t size);

extern "C" __attribute__((visibility("default"))) void* malloc(std::size_t size) {
  note_allocation();
  return __libc_malloc(size);
}
#endif

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
  counting = true;
  const std::string noted(1000, '.');
  counting = false;
  CHECK(allocations == 1);
}

}  // namespace
}  // namespace ringhorn::test
