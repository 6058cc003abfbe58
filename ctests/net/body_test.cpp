// The request's body: how it reaches the application, how it is held back, how it ends.
#include "support/world.hpp"

namespace ringhorn::test {
namespace {

const std::string post_head = "POST / HTTP/1.1\r\nhost: a\r\n";
const std::string chunked_head = post_head + "transfer-encoding: chunked\r\n\r\n";
const std::string get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

std::string post(std::string_view body) {
  return post_head + "content-length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

void echo(Call& call) {
  call.read_all([](Call& done) { done.respond(done.body); });
}

TEST_CASE("Body that came with its head is there at once", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    REQUIRE(call.exchange->body_ready());
    CHECK_FALSE(call.exchange->body_complete());
    call.take();
    CHECK(call.body_ended);
    CHECK(call.exchange->body_complete());
    CHECK_FALSE(call.exchange->body_ready());
    call.respond(call.body);
  };
  Client client = world.connect();
  client.send(post("some body"));
  REQUIRE(world.receive(client, "some body"));
  client.take();
  client.send(chunked_head + "4\r\nsome\r\n1\r\n \r\n4\r\nbody\r\n0\r\n\r\n");
  REQUIRE(world.receive(client, "some body"));
  CHECK(world.application.last().body_calls == 0);
}

TEST_CASE("Body of no bytes is complete and ready with its end (robustness 30)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    CHECK(call.exchange->body_ready());
    if (call.method == "GET") {
      CHECK(call.exchange->body_complete());
    }
    call.take();
    CHECK(call.body_ended);
    call.respond("none");
  };
  Client client = world.connect();
  client.send(get + post("") + chunked_head + "0\r\n\r\n");
  CHECK(world.until([&] {
    client.fill();
    return count_of(client.received(), "none") == 3;
  }));
}

TEST_CASE("Body that comes later wakes the application once per buffer (robustness 26)", "[net]") {
  World world;
  world.application.when_request = echo;
  Client client = world.connect();
  client.send(chunked_head);
  REQUIRE(world.requests(1));
  Call& call = world.application.last();
  std::string burst;
  for (int i = 0; i < 500; ++i) {
    burst += "1\r\nx\r\n";
  }
  client.send(burst);
  CHECK(world.until([&] { return call.body.size() == 500; }));
  CHECK(call.body_calls == 1);
  client.send("0\r\n\r\n");
  REQUIRE(world.receive(client, std::string(500, 'x')));
}

TEST_CASE("Body of any method is read as it is framed (robustness 30)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) { call.respond(call.target); };
  Client client = world.connect();
  for (const std::string method : {"GET", "HEAD", "OPTIONS", "DELETE"}) {
    client.send(method + " /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nGET " + method +
                " /2 HTTP/1.1\r\nhost: a\r\n\r\n");
  }
  client.send("GET /end HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(world.receive(client, "/end"));
  CHECK(world.application.calls.size() == 9);
}

TEST_CASE("Body is echoed whole whatever its size (robustness 33)", "[net]") {
  World world;
  world.application.when_request = echo;
  for (const std::size_t size : {1000U, 65536U, 1000000U}) {
    std::string body;
    for (std::size_t i = 0; i < size; ++i) {
      body += static_cast<char>('a' + i % 23);
    }
    Client client = world.connect();
    std::string_view left;
    const std::string request = post(body);
    left = request;
    REQUIRE(world.until([&] {
      left.remove_prefix(client.send(left));
      client.fill();
      return client.received().size() > size;
    }));
    CHECK(client.received().substr(client.received().size() - size) == body);
  }
}

TEST_CASE("Body that nobody takes stops the reading, not the others (robustness 33)", "[net]") {
  net::Settings settings = test_settings();
  settings.body_ahead_bytes_max = 20000;
  World world(settings);
  world.application.when_request = [](Call& call) {
    if (call.method == "GET") {
      call.respond("hello");
    }
  };
  Client slow = world.connect();
  const std::string body(32U * 1024 * 1024, 'x');
  const std::string request = post(body);
  std::size_t sent = 0;
  int idle_turns = 0;
  while (idle_turns < 50) {
    const std::size_t now = slow.send(std::string_view(request).substr(sent));
    sent += now;
    idle_turns = now == 0 ? idle_turns + 1 : 0;
    world.turn();
  }
  CHECK(sent < request.size());
  Client other = world.connect();
  other.send(get);
  CHECK(world.receive(other, "hello"));
  // Taken piece by piece, from outside of any callback, it comes whole.
  Call& call = *world.application.calls.front();
  CHECK(world.until([&] {
    sent += slow.send(std::string_view(request).substr(sent));
    if (call.exchange->body_ready()) {
      call.take();
    }
    return call.body_ended;
  }));
  CHECK(call.body == body);
  call.respond("done");
  CHECK(world.receive(slow, "done"));
}

TEST_CASE("Body is asked for with 100 Continue at the first await only (robustness 42)", "[net]") {
  World world;
  world.application.when_request = [](Call&) {};
  Client client = world.connect();
  client.send(post_head + "content-length: 6\r\nexpect: 100-continue\r\n\r\n");
  REQUIRE(world.requests(1));
  world.turns(5);
  client.fill();
  CHECK(client.received().empty());
  echo(world.application.last());
  REQUIRE(world.receive(client, "\r\n\r\n"));
  CHECK(client.take() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  CHECK(world.until([&] { return world.application.last().body == "abc"; }));
  client.send("def");
  REQUIRE(world.receive(client, "abcdef"));
  CHECK(count_of(client.take(), "100 Continue") == 0);
}

TEST_CASE("Body that came already is not asked for (robustness 42)", "[net]") {
  World world;
  world.application.when_request = echo;
  Client client = world.connect();
  client.send(post_head + "content-length: 6\r\nexpect: 100-continue\r\n\r\nabc");
  REQUIRE(world.requests(1));
  client.send("def");
  REQUIRE(world.receive(client, "abcdef"));
  CHECK(count_of(client.take(), "100 Continue") == 0);
}

TEST_CASE("Body of HTTP/1.0 is never asked for (robustness 42)", "[net]") {
  World world;
  world.application.when_request = echo;
  Client client = world.connect();
  client.send("POST / HTTP/1.0\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n");
  REQUIRE(world.requests(1));
  world.turns(5);
  client.send("abc");
  CHECK(count_of(world.receive_all(client), "100 Continue") == 0);
}

TEST_CASE("Body that is waited for elsewhere cannot deadlock (robustness 42)", "[net]") {
  World world;
  Client client = world.connect();
  client.send(post_head + "content-length: 6\r\nexpect: 100-continue\r\n\r\n");
  const std::string text = world.receive(client, "hello") ? client.take() : "";
  CHECK(text.find("HTTP/1.1 200") == 0);
  CHECK(text.find("connection: close\r\n") != std::string::npos);
  client.finish();
  CHECK(world.no_connections());
}

TEST_CASE("Body unread behind an early answer is swallowed (robustness 31)", "[net]") {
  World world;
  Client client = world.connect();
  client.send(post_head + "content-length: 31\r\n\r\nGET /smuggled");
  REQUIRE(world.receive(client, "hello"));
  CHECK(client.take() == hello_response);
  client.send(" HTTP/1.1\r\nhost:\r\n");
  client.send(get);
  REQUIRE(world.receive(client, "hello"));
  CHECK(world.application.calls.size() == 2);
  CHECK(world.application.last().target == "/");
}

TEST_CASE("Body too large to swallow ends the connection (robustness 31)", "[net]") {
  net::Settings settings = test_settings();
  settings.drain_bytes_max = 1000;
  World world(settings);
  Client client = world.connect();
  client.send(post_head + "content-length: 5000\r\n\r\n");
  REQUIRE(world.receive(client, "hello"));
  CHECK(client.received().find("connection: close") != std::string::npos);
  client.send(get);
  client.finish();
  world.receive_all(client);
  CHECK(world.application.calls.size() == 1);
  // Of a chunked body that is known only while it comes.
  Client chunking = world.connect();
  chunking.send(chunked_head + "1\r\nx\r\n");
  REQUIRE(world.receive(chunking, "hello"));
  chunking.send("7d0\r\n" + std::string(2000, 'x') + "\r\n0\r\n\r\n" + get);
  world.receive_all(chunking);
  CHECK_FALSE(chunking.was_reset());
  CHECK(world.application.calls.size() == 2);
}

TEST_CASE("Body that is not swallowed in time ends the connection (robustness 31)", "[net]") {
  net::Settings settings = test_settings();
  settings.drain_ns = 50 * base::ns_per_ms;
  World world(settings);
  Client client = world.connect();
  client.send(post_head + "content-length: 30\r\n\r\nx");
  REQUIRE(world.receive(client, "hello"));
  CHECK(world.receive_all(client) == hello_response);
}

TEST_CASE("Body over the limit is refused before the application runs (robustness 32)", "[net]") {
  net::Settings settings = test_settings();
  settings.limits.body_bytes_max = 1000;
  World world(settings);
  Client client = world.connect();
  client.send(post_head + "content-length: 1001\r\n\r\n");
  const std::string text = world.receive(client, "too large.") ? client.take() : "";
  CHECK(text.find("HTTP/1.1 413 ") == 0);
  CHECK(text.find("connection: close\r\n") != std::string::npos);
  // Lesson 25: who is still sending gets the status, not a broken pipe.
  REQUIRE(world.send_all(client, std::string(1001, 'x')));
  client.finish();
  world.receive_all(client);
  CHECK_FALSE(client.was_reset());
  CHECK(world.application.calls.empty());
}

TEST_CASE("Body that grows over the limit disconnects the application (robustness 32)", "[net]") {
  net::Settings settings = test_settings();
  settings.limits.body_bytes_max = 1000;
  World world(settings);
  world.application.when_request = echo;
  Client client = world.connect();
  client.send(chunked_head + "3e8\r\n" + std::string(1000, 'x') + "\r\n");
  REQUIRE(world.requests(1));
  client.send("1\r\nx\r\n");
  REQUIRE(world.receive(client, "too large."));
  CHECK(client.received().find("HTTP/1.1 413 ") == 0);
  CHECK(world.application.last().disconnects == 1);
}

TEST_CASE("Body with a bad chunk disconnects and is answered with 400 (robustness 29)", "[net]") {
  World world;
  world.application.when_request = echo;
  Client client = world.connect();
  client.send(chunked_head + "3\r\nabc\r\n");
  REQUIRE(world.requests(1));
  client.send("xyz\r\n" + get);
  REQUIRE(world.receive(client, "Invalid HTTP request received."));
  CHECK(client.received().find("HTTP/1.1 400 ") == 0);
  CHECK(world.application.last().disconnects == 1);
  client.finish();
  world.receive_all(client);
  CHECK(world.application.calls.size() == 1);
}

TEST_CASE("Body with a bad chunk cuts a response that has begun (robustness 29)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    call.begin();
    call.send("part", false);
    call.read_all([](Call&) {});
  };
  Client client = world.connect();
  client.send(chunked_head + "3\r\nabc\r\n");
  REQUIRE(world.receive(client, "part"));
  client.send("3\r\nabcX\r\n");
  client.finish();
  const std::string text = world.receive_all(client);
  CHECK(text.find("0\r\n\r\n") == std::string::npos);
  CHECK(text.find("400") == std::string::npos);
  CHECK(world.application.last().disconnects == 1);
}

TEST_CASE("Body cut off by the client's end disconnects (robustness 27, 40, lesson 26)", "[net]") {
  World world;
  world.application.when_request = echo;
  for (const std::string& request :
       {chunked_head + "3\r\nabc\r\n0\r\n", post_head + "content-length: 5\r\n\r\nabc"}) {
    Client client = world.connect();
    client.send(request);
    const std::size_t calls = world.application.calls.size();
    REQUIRE(world.requests(calls + 1));
    client.finish();
    CHECK(world.receive_all(client).empty());
    CHECK(world.application.last().disconnects == 1);
    CHECK_FALSE(world.application.last().body_ended);
  }
  CHECK(world.log_text().find("ERROR") == std::string::npos);
}

TEST_CASE("Body that stalls is given up with 408 (robustness 38)", "[net]") {
  net::Settings settings = test_settings();
  settings.body_ns = 50 * base::ns_per_ms;
  World world(settings);
  world.application.when_request = echo;
  Client client = world.connect();
  client.send(post_head + "content-length: 5\r\n\r\nabc");
  REQUIRE(world.receive(client, "in time."));
  CHECK(client.received().find("HTTP/1.1 408 ") == 0);
  CHECK(world.application.last().disconnects == 1);
}

TEST_CASE("Body that drips is given up with 408 (robustness 38)", "[net]") {
  net::Settings settings = test_settings();
  settings.body_ns = 50 * base::ns_per_ms;
  settings.body_rate_min = 1000;
  World world(settings);
  world.application.when_request = echo;
  Client client = world.connect();
  client.send(post_head + "content-length: 100000\r\n\r\n");
  base::Nanoseconds next = 0;
  int sent = 0;
  CHECK(world.until([&] {
    if (base::monotonic_ns() > next && !client.ended()) {
      next = base::monotonic_ns() + 10 * base::ns_per_ms;
      client.send("x");
      ++sent;
    }
    client.fill();
    return client.received().find("in time.") != std::string::npos;
  }));
  CHECK(sent > 2);
  CHECK(client.received().find("HTTP/1.1 408 ") == 0);
  CHECK(world.application.last().disconnects == 1);
}

TEST_CASE("Body that nobody waits for has no timeout (robustness 38, lesson 23)", "[net]") {
  net::Settings settings = test_settings();
  settings.body_ns = 20 * base::ns_per_ms;
  World world(settings);
  world.application.when_request = [](Call&) {};
  Client client = world.connect();
  client.send(post_head + "content-length: 5\r\n\r\nabc");
  Client other = world.connect();
  other.send(post("whole"));
  REQUIRE(world.requests(2));
  const base::Nanoseconds start = base::monotonic_ns();
  CHECK(world.until([&] { return base::monotonic_ns() - start > 100 * base::ns_per_ms; }));
  for (const auto& call : world.application.calls) {
    CHECK(call->disconnects == 0);
    call->respond("hello");
  }
  CHECK(world.receive(client, "hello"));
  CHECK(world.receive(other, "hello"));
}

}  // namespace
}  // namespace ringhorn::test
