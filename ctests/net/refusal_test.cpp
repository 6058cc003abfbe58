// Requests that never reach the application: bad ones, and those over a limit.
#include "support/world.hpp"

namespace ringhorn::test {
namespace {

const std::string get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const std::string bad_request =
    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
    "content-length: 30\r\nconnection: close\r\n\r\nInvalid HTTP request received.";

TEST_CASE("Refusal of a bad request is 400 and close (robustness 2)", "[net]") {
  for (const std::string request :
       {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
        " \r\nGET / HTTP/1.1\r\n", "GET / HTTP/1.1\nhost: a\n\n", "\x01\x1b[31m\r\n\r\n"}) {
    World world;
    Client client = world.connect();
    client.send(request);
    REQUIRE(world.receive(client, "received."));
    client.finish();
    CHECK(world.receive_all(client) == bad_request);
    CHECK_FALSE(client.was_reset());
    CHECK(world.application.calls.empty());
    const std::string log = world.log_text();
    CHECK(count_of(log, "WARNING:") == 1);
    CHECK(count_of(log, "Invalid HTTP request received.") == 1);
    CHECK(count_of(log, "\n") == 1);
    CHECK(log.find('\x1b') == std::string::npos);
    CHECK(log.find("127.0.0.1:") != std::string::npos);
  }
}

TEST_CASE("Refusal waits for the response of an earlier request", "[net]") {
  World world;
  world.application.when_request = [](Call&) {};
  Client client = world.connect();
  client.send(get + "bad\r\n\r\n");
  REQUIRE(world.requests(1));
  world.turns(5);
  client.fill();
  CHECK(client.received().empty());
  world.application.last().respond("hello");
  REQUIRE(world.receive(client, "received."));
  CHECK(client.take() == hello_response + bad_request);
}

TEST_CASE("Refusal reads and discards what is still coming (lesson 25)", "[net]") {
  World world;
  Client client = world.connect();
  client.send("bad\r\n\r\n");
  REQUIRE(world.send_all(client, std::string(3000000, 'x')));
  client.finish();
  CHECK(world.receive_all(client) == bad_request);
  CHECK_FALSE(client.was_reset());
  CHECK(world.no_connections());
}

TEST_CASE("Refusal does not discard for ever (lesson 25)", "[net]") {
  net::Settings settings = test_settings();
  bool by_time = GENERATE(true, false);
  settings.linger_ns = by_time ? 50 * base::ns_per_ms : 0;
  settings.linger_bytes_max = by_time ? SIZE_MAX : 100000;
  World world(settings);
  Client client = world.connect();
  client.send("bad\r\n\r\n");
  const std::string more(4096, 'x');
  CHECK(world.until([&] {
    client.send(more);
    return world.application.calls.empty() && world.server().connection_count() == 0;
  }));
}

TEST_CASE("Refusal over the concurrency limit is uvicorn's (robustness 47)", "[net]") {
  net::Settings settings = test_settings();
  settings.concurrency_max = 2;
  World world(settings);
  world.application.when_request = [](Call&) {};
  Client first = world.connect();
  Client second = world.connect();
  first.send(get);
  second.send(get);
  REQUIRE(world.requests(2));
  for (int i = 0; i < 3; ++i) {
    Client third = world.connect();
    third.send(get);
    CHECK(world.receive_all(third) ==
          "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n"
          "content-length: 19\r\nconnection: close\r\n\r\nService Unavailable");
    third.close();
    REQUIRE(world.until([&] { return world.server().connection_count() == 2; }));
  }
  CHECK(world.application.calls.size() == 2);
  // Rate-limited: three refusals, one line.
  CHECK(count_of(world.log_text(), "Exceeded concurrency limit.") == 1);
  world.application.calls[0]->respond("hello");
  REQUIRE(world.receive(first, "hello"));
  first.send(get);
  CHECK(world.requests(3));
}

TEST_CASE("Refusal by the parser keeps the parser's status", "[net]") {
  struct Case {
    const char* name;
    std::string request;
    const char* status;
  };
  const std::vector<Case> cases = {
      {"long target", "GET /" + std::string(10000, 'x') + " HTTP/1.1\r\n", "414"},
      {"long field", "GET / HTTP/1.1\r\nx: " + std::string(20000, 'x') + "\r\n", "431"},
      {"version", "GET / HTTP/3.0\r\nhost: a\r\n\r\n", "505"},
      {"coding", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", "501"},
      {"expectation", "GET / HTTP/1.1\r\nhost: a\r\nexpect: tea\r\n\r\n", "417"},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    World world;
    Client client = world.connect();
    REQUIRE(world.send_all(client, each.request));
    REQUIRE(world.receive(client, "\r\n\r\n"));
    CHECK(client.received().substr(9, 3) == each.status);
    CHECK(client.received().find("connection: close\r\n") != std::string::npos);
  }
}

}  // namespace
}  // namespace ringhorn::test
