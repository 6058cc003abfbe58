// The server as a whole: accepting, draining, ending.
#include <fcntl.h>
#include <sys/resource.h>

#include <vector>

#include "support/world.hpp"

namespace ringhorn::test {
namespace {

const std::string get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

TEST_CASE("Server admits few newcomers per turn and forgets none (lesson 30)", "[net]") {
  net::Settings settings = test_settings();
  settings.accepts_per_turn_max = 4;
  World world(settings);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 60; ++i) {
    clients.push_back(std::make_unique<Client>(world.port()));
    clients.back()->send(get);
  }
  std::size_t before = 0;
  while (world.server().connection_count() < 60) {
    // The rest is owed: the wait must not block although nothing else happens.
    const base::Nanoseconds start = base::monotonic_ns();
    world.turn(5 * base::ns_per_s);
    CHECK(base::monotonic_ns() - start < base::ns_per_s);
    CHECK(world.server().connection_count() - before <= 4);
    before = world.server().connection_count();
  }
  for (const auto& client : clients) {
    CHECK(world.receive(*client, "hello"));
  }
}

TEST_CASE("Server out of descriptors pauses, serves, and accepts again (robustness 76)", "[net]") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  // Set before the accept is started: the kernel notes the limit then.
  const rlimit few{64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  {
    World world;
    Client held = world.connect();
    held.send(get);
    REQUIRE(world.receive(held, "hello"));
    held.take();
    base::UniqueFd spare(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    std::vector<base::UniqueFd> others;
    while (others.empty() || others.back()) {
      others.emplace_back(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    }
    spare.reset();
    Client waiting = world.connect();
    waiting.send(get);
    held.send(get);
    int turns = 0;
    const base::Nanoseconds start = base::monotonic_ns();
    const bool served = world.until([&] {
      ++turns;
      held.fill();
      return base::monotonic_ns() - start > 400 * base::ns_per_ms && !held.received().empty();
    });
    const std::size_t connections = world.server().connection_count();
    // Asserted from here on: the sanitizer's own checks need a descriptor.
    others.clear();
    CHECK(served);
    CHECK(turns < 1000);
    CHECK(held.take() == hello_response);
    CHECK(connections == 1);
    CHECK(count_of(world.log_text(), "Cannot accept connections") == 1);
    // On a machine that stood still for a second it has been refused meanwhile.
    CHECK((world.receive(waiting, "hello") || waiting.received().starts_with("HTTP/1.1 503 ")));
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("Server out of descriptors for long refuses who waits with 503 (robustness 76)",
          "[net]") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  {
    World world;
    Client first = world.connect();
    Client second = world.connect();
    std::vector<base::UniqueFd> others;
    while (others.empty() || others.back()) {
      others.emplace_back(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    }
    first.send(get);
    second.send(get);
    const bool ended = world.until([&] {
      first.fill();
      second.fill();
      return first.ended() && second.ended();
    });
    others.clear();
    CHECK(ended);
    CHECK(first.received().starts_with("HTTP/1.1 503 "));
    CHECK(first.received().ends_with("\r\n\r\nService Unavailable"));
    CHECK(first.received() == second.received());
    CHECK(world.server().connection_count() == 0);
    Client late = world.connect();
    late.send(get);
    CHECK(world.receive(late, "hello"));
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("Server that drains closes idle connections and finishes busy ones (robustness 85)",
          "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    if (call.target == "/idle") {
      call.respond("hello");
    }
  };
  Client idle = world.connect();
  idle.send("GET /idle HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(world.receive(idle, "hello"));
  idle.take();
  Client busy = world.connect();
  busy.send(get + "GET /idle HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(world.requests(2));
  int idle_calls = 0;
  world.server().drain({}, [&] { ++idle_calls; });
  CHECK(world.receive_all(idle).empty());
  CHECK_FALSE(idle.was_reset());
  CHECK(idle_calls == 0);
  Call& call = world.application.last();
  call.respond("busy");
  // What was pipelined has reached us: it is answered too, and the last one says close.
  const std::string text = world.receive_all(busy);
  CHECK(count_of(text, "connection: close") == 1);
  CHECK(text.find("busy") < text.find("connection: close"));
  CHECK(text.substr(text.size() - 5) == "hello");
  busy.close();
  CHECK(world.until([&] { return idle_calls == 1; }));
  CHECK(world.server().idle());
  world.turns(10);
  CHECK(idle_calls == 1);
}

TEST_CASE("Server that drains keeps idle connections for a last request (robustness 84)", "[net]") {
  World world;
  Client late = world.connect();
  Client silent = world.connect();
  for (Client* client : {&late, &silent}) {
    client->send(get);
    REQUIRE(world.receive(*client, "hello"));
    client->take();
  }
  bool idle = false;
  world.server().drain({.idle_ns = 50 * base::ns_per_ms}, [&] { idle = true; });
  late.send(get);
  const std::string text = world.receive_all(late);
  CHECK(text.find("connection: close\r\n") != std::string::npos);
  CHECK(text.ends_with("hello"));
  CHECK(world.receive_all(silent).empty());
  for (Client* client : {&late, &silent}) {
    CHECK_FALSE(client->was_reset());
    client->close();
  }
  CHECK(world.until([&] { return idle; }));
}

TEST_CASE("Server that shares its sockets leaves the queue to the others", "[net]") {
  net::Settings settings = test_settings();
  settings.sharing = net::Sharing::shared;
  World world(settings);
  Client served = world.connect();
  served.send(get);
  CHECK(world.receive(served, "hello"));
  Client waiting(world.port());
  waiting.send(get);
  bool idle = false;
  const std::uint64_t before = world.server().finished_count();
  world.server().drain({.takes_queue = false, .seals = false}, [&] { idle = true; });
  served.close();
  CHECK(world.until([&] { return idle; }));
  CHECK(world.server().finished_count() == before);
}

TEST_CASE("Server that ends gives up a shared listener before it closes it, once (lesson 53)",
          "[net]") {
  net::Settings settings = test_settings();
  settings.sharing = net::Sharing::shared;
  World world(settings);
  const int number = world.listen_fd();
  const base::UniqueFd elsewhere(::dup(number));  // as another process keeps it open
  bool idle = false;
  world.server().drain({.takes_queue = false, .seals = false}, [&] { idle = true; });
  CHECK(world.until([&] { return idle; }));
  CHECK(world.until([&] { return ::fcntl(number, F_GETFD) < 0; }));
  Client late = world.connect();
  REQUIRE(late.connected());
  late.send(get);
  world.turns(20);
  CHECK(world.server().connection_count() == 0);
  CHECK_FALSE(late.ended());
}

TEST_CASE("Server that shares its sockets takes all that come, one a turn (lesson 55)", "[net]") {
  net::Settings settings = test_settings();
  settings.sharing = net::Sharing::shared;
  World world(settings);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(world.port()));
    clients.back()->send(get);
  }
  std::size_t before = 0;
  while (world.server().connection_count() < 20) {
    world.turn(5 * base::ns_per_s);
    CHECK(world.server().connection_count() - before <= 1);
    before = world.server().connection_count();
  }
  for (const auto& client : clients) {
    CHECK(world.receive(*client, "hello"));
  }
}

TEST_CASE("Server that hurries tells streams that nobody is there, and sends what they say",
          "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    call.begin();
    call.send("first,", false);
  };
  Client client = world.connect();
  client.send(get);
  REQUIRE(world.receive(client, "first,"));
  world.server().drain({}, [] {});
  Call& call = world.application.last();
  CHECK(call.peer_finishes == 0);
  world.server().hurry();
  CHECK(call.peer_finishes == 1);
  world.server().hurry();
  CHECK(call.peer_finishes == 1);
  call.send("last", true);
  CHECK(world.receive_all(client).find("last") != std::string::npos);
  client.close();
}

TEST_CASE("Server that drains answers what the kernel holds (robustness 85)", "[net]") {
  net::Settings settings = test_settings();
  settings.accepts_per_turn_max = 2;
  World world(settings);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(world.port()));
    clients.back()->send(get);
  }
  // Not one turn has passed: all of them are in the kernel's queue.
  int idle_calls = 0;
  world.server().drain({}, [&] { ++idle_calls; });
  for (const auto& client : clients) {
    const std::string text = world.receive_all(*client);
    CHECK(text.find("connection: close\r\n") != std::string::npos);
    CHECK(text.substr(text.size() - 5) == "hello");
    CHECK_FALSE(client->was_reset());
    client->close();
  }
  CHECK(world.until([&] { return idle_calls == 1; }));
  CHECK_FALSE(world.connect().connected());
}

TEST_CASE("Server that drains looks once more at idle connections (robustness 85, 87)", "[net]") {
  World world;
  Client client = world.connect();
  client.send(get);
  REQUIRE(world.receive(client, "hello"));
  client.take();
  client.send(get);  // on its way, not yet seen
  world.server().drain({}, [] {});
  const std::string text = world.receive_all(client);
  CHECK(text.find("connection: close\r\n") != std::string::npos);
  CHECK(text.substr(text.size() - 5) == "hello");
}

TEST_CASE("Server that drains gives a fresh connection a moment (robustness 85)", "[net]") {
  World world;
  Client speaking = world.connect();
  Client silent = world.connect();
  REQUIRE(world.until([&] { return world.server().connection_count() == 2; }));
  world.server().drain({}, [] {});
  world.turns(3);
  speaking.send(get);
  CHECK(world.receive_all(speaking).find("hello") != std::string::npos);
  speaking.close();
  CHECK(world.receive_all(silent).empty());
  CHECK(world.until([&] { return world.server().idle(); }));
}

TEST_CASE("Server without connections drains at once", "[net]") {
  World world;
  bool idle = false;
  world.server().drain({}, [&] { idle = true; });
  CHECK_FALSE(idle);
  CHECK(world.until([&] { return idle; }));
}

TEST_CASE("Server cut short disconnects every application once", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    if (call.target == "/stream") {
      call.begin();
      call.send("part", false);
    }
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<Client>(world.port()));
    clients.back()->send(i % 2 == 0 ? get : "GET /stream HTTP/1.1\r\nhost: a\r\n\r\n" + get);
  }
  REQUIRE(world.requests(10));
  CHECK(world.server().exchange_count() == 10);
  int idle_calls = 0;
  world.server().drain({}, [&] { ++idle_calls; });
  world.turns(3);
  world.server().abort_all();
  CHECK(world.server().exchange_count() == 0);
  for (const auto& call : world.application.calls) {
    CHECK(call->disconnects == 1);
  }
  CHECK(world.until([&] { return idle_calls == 1; }));
  CHECK(world.application.calls.size() == 10);
}

TEST_CASE("Server loses no descriptor over many connections (robustness 76)", "[net]") {
  const auto lowest_free = [] {
    const int fd = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    ::close(fd);
    return fd;
  };
  World world;
  world.turns(3);
  const int before = lowest_free();
  for (int i = 0; i < 500; ++i) {
    Client client = world.connect();
    client.send(i % 3 == 0 ? get : i % 3 == 1 ? "bad\r\n\r\n" : "GET / HT");
    world.turns(2);
    i % 2 == 0 ? client.close() : client.reset();
  }
  REQUIRE(world.no_connections());
  world.turns(3);
  CHECK(lowest_free() == before);
}

}  // namespace
}  // namespace ringhorn::test
