// The health path: who answers it, what it says, and what it does not count for.
#include "support/world.hpp"

namespace ringhorn::test {
namespace {

net::Settings health_settings() {
  net::Settings settings = test_settings();
  settings.health_path = "/health";
  settings.access_log = true;
  return settings;
}

std::string asking(std::string_view method, std::string_view target) {
  return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nhost: a\r\n\r\n";
}

const std::string fields = "content-type: text/plain; charset=utf-8\r\ncache-control: no-store\r\n";
const std::string healthy = "HTTP/1.1 200 OK\r\n" + fields + "content-length: 3\r\n\r\nok\n";
const std::string draining = "HTTP/1.1 503 Service Unavailable\r\n" + fields +
                             "content-length: 9\r\nconnection: close\r\n\r\ndraining\n";

TEST_CASE("Server answers GET and HEAD of the health path itself", "[net]") {
  World world(health_settings());
  Client client = world.connect();
  client.send(asking("GET", "/health"));
  REQUIRE(world.receive(client, "ok\n"));
  CHECK(client.take() == healthy);
  client.send(asking("GET", "/health?from=probe") + asking("HEAD", "/health"));
  const std::string bodyless = healthy.substr(0, healthy.size() - 3);
  REQUIRE(world.until([&] {
    client.fill();
    return client.received().size() >= healthy.size() + bodyless.size();
  }));
  CHECK(client.take() == healthy + bodyless);
  CHECK(world.application.calls.empty());
  CHECK(world.server().finished_count() == 0);
  CHECK(world.access_text().empty());
}

TEST_CASE("Server swallows the body of a health check and goes on", "[net]") {
  World world(health_settings());
  Client client = world.connect();
  client.send("GET /health HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab");
  REQUIRE(world.receive(client, "ok\n"));
  client.take();
  client.send("cd" + asking("GET", "/"));
  REQUIRE(world.receive(client, "hello"));
  CHECK(world.application.calls.size() == 1);
}

TEST_CASE("Server gives everything else to the application", "[net]") {
  World world(health_settings());
  Client client = world.connect();
  std::size_t count = 0;
  for (const char* target : {"/health/", "/Health", "/health2", "/x/health", "/%68ealth"}) {
    CAPTURE(target);
    client.send(asking("GET", target));
    CHECK(world.requests(++count));
    CHECK(world.receive(client, "hello"));
    client.take();
  }
  for (const char* method : {"POST", "PUT", "OPTIONS", "get"}) {
    CAPTURE(method);
    client.send(asking(method, "/health"));
    CHECK(world.requests(++count));
    CHECK(world.receive(client, "hello"));
    client.take();
  }
}

TEST_CASE("Server without a health path gives it to the application", "[net]") {
  World world;
  Client client = world.connect();
  client.send(asking("GET", "/health"));
  CHECK(world.receive(client, "hello"));
}

TEST_CASE("Server at its limit of concurrency is healthy, and probes are no load", "[net]") {
  net::Settings settings = health_settings();
  settings.concurrency_max = 1;
  World world(settings);
  world.application.when_request = [](Call&) {};
  Client busy = world.connect();
  busy.send(asking("GET", "/"));
  REQUIRE(world.requests(1));
  Client probe = world.connect();
  Client other = world.connect();
  for (Client* client : {&probe, &other}) {
    client->send(asking("GET", "/health"));
    CHECK(world.receive(*client, healthy));
    client->take();
  }
  other.send(asking("GET", "/"));
  CHECK(world.receive(other, "503"));
  other.close();
  REQUIRE(world.until([&] { return world.server().connection_count() == 2; }));
  // The probe's connection is kept, and stands in nobody's way.
  world.application.last().respond("hello");
  REQUIRE(world.receive(busy, "hello"));
  world.application.when_request = [](Call& call) { call.respond("hello"); };
  busy.take();
  busy.send(asking("GET", "/"));
  CHECK(world.receive(busy, "hello"));
  // It may also work, and then counts.
  probe.send(asking("GET", "/"));
  CHECK(world.receive(probe, "503"));
}

TEST_CASE("Server that announces its end says so and serves on", "[net]") {
  World world(health_settings());
  Client kept = world.connect();
  kept.send(asking("GET", "/"));
  REQUIRE(world.receive(kept, hello_response));
  kept.take();
  world.server().announce_drain();
  Client probe = world.connect();
  probe.send(asking("GET", "/health"));
  CHECK(world.receive_all(probe) == draining);
  const std::string last = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
  kept.send(asking("GET", "/"));
  CHECK(world.receive_all(kept) == last);
  Client late = world.connect();
  late.send(asking("GET", "/"));
  CHECK(world.receive_all(late) == last);
}

TEST_CASE("Server that drains is not healthy", "[net]") {
  World world(health_settings());
  world.application.when_request = [](Call&) {};
  Client client = world.connect();
  client.send(asking("GET", "/") + asking("GET", "/health"));
  REQUIRE(world.requests(1));
  world.server().drain({}, [] {});
  world.application.last().respond("hello");
  CHECK(world.receive_all(client) == hello_response + draining);
}

}  // namespace
}  // namespace ringhorn::test
