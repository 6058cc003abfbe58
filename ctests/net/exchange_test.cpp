// One request and its response over a real socket: framing, order, default fields, access log.
#include "support/world.hpp"

namespace ringhorn::test {
namespace {

const std::string get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

TEST_CASE("Exchange answers and keeps the connection (robustness 35)", "[net]") {
  World world;
  Client client = world.connect();
  for (int i = 0; i < 3; ++i) {
    client.send(get);
    REQUIRE(world.receive(client, "hello"));
    CHECK(client.take() == hello_response);
  }
  CHECK(world.server().connection_count() == 1);
  CHECK(world.server().finished_count() == 3);
  CHECK(world.server().exchange_count() == 0);
}

TEST_CASE("Exchange hands a large response over as soon as it is complete", "[net]") {
  World world;
  const std::string body(100'000, 'b');
  bool closes = false;
  SECTION("and keeps the connection") {}
  SECTION("and ends the connection where it is to end") {
    closes = true;
  }
  Client client = world.connect();
  std::string at_once;
  world.application.when_request = [&](Call& call) {
    if (call.target == "/small") {
      call.respond("small");
      client.fill();
      CHECK(client.received().empty());  // with the turn
      return;
    }
    call.respond(body);
    client.fill();
    at_once = client.take();
  };
  const std::string small = "GET /small HTTP/1.1\r\nhost: a\r\n\r\n";
  client.send(small);
  REQUIRE(world.receive(client, "small"));
  client.take();
  const std::string request = "GET /large HTTP/1.1\r\nhost: a\r\n";
  client.send(request + (closes ? "connection: close\r\n\r\n" : "\r\n"));
  REQUIRE(world.requests(2));
  CHECK(at_once.size() > body.size());
  CHECK(at_once.substr(at_once.size() - body.size()) == body);
  if (closes) {
    CHECK(world.receive_all(client).empty());
    CHECK_FALSE(client.was_reset());
  } else {
    client.send(small);
    CHECK(world.receive(client, "small"));
  }
  CHECK(world.server().exchange_count() == 0);
}

TEST_CASE("Exchange hands a response that is not small over with the flush", "[net]") {
  World world;
  const std::string body(20'000, 'b');
  world.application.when_request = [&](Call& call) { call.respond(body); };
  Client client = world.connect();
  for (std::size_t count = 1; count <= 3; ++count) {
    client.send(get);
    REQUIRE(world.requests(count));
    client.fill();
    CHECK(client.received().empty());
    world.driver().flush();
    client.fill();
    CHECK(client.take().ends_with("content-length: 20000\r\n\r\n" + body));
  }
}

TEST_CASE("Exchange sends what the flush could not hand over as its client reads", "[net]") {
  World world;
  const int small = 4096;
  REQUIRE(::setsockopt(world.listen_fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  const std::string body(60'000, 'b');
  world.application.when_request = [&](Call& call) { call.respond(body); };
  Client client = world.connect(2048);
  for (std::size_t count = 1; count <= 3; ++count) {
    client.send(get);
    REQUIRE(world.requests(count));
    world.driver().flush();
    client.fill();
    CHECK(client.received().size() < body.size());
    REQUIRE(world.until([&] {
      client.fill(1000);
      return client.received().size() > body.size();
    }));
    CHECK(client.take().ends_with("content-length: 60000\r\n\r\n" + body));
  }
}

TEST_CASE("Exchange hands over the rest of a large response as its client reads", "[net]") {
  World world;
  const std::string body(200'000, 'b');
  world.application.when_request = [&](Call& call) { call.respond(body); };
  Client client = world.connect(2048);
  client.send(get + get);
  REQUIRE(world.until([&] {
    client.fill(10'000);
    return client.received().size() > 2 * body.size();
  }));
  CHECK(count_of(client.received(), "content-length: 200000\r\n\r\nbbb") == 2);
}

TEST_CASE("Exchange closes at once when the client asks for it (robustness 35)", "[net]") {
  World world;
  Client client = world.connect();
  client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  CHECK(world.receive_all(client) ==
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("Exchange closes when the application asks for it (robustness 35)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    call.begin();
    call.exchange->add_field("Connection", "close");
    call.send("x", true);
  };
  Client client = world.connect();
  client.send(get);
  CHECK(count_of(world.receive_all(client), "connection: close\r\n") == 1);
}

TEST_CASE("Exchange honours keep-alive of HTTP/1.0 (robustness 35)", "[net]") {
  World world;
  Client closing = world.connect();
  closing.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(count_of(world.receive_all(closing), "connection: close\r\n") == 1);
  Client staying = world.connect();
  staying.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
  REQUIRE(world.receive(staying, "hello"));
  CHECK(count_of(staying.take(), "connection: keep-alive\r\n") == 1);
  staying.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
  CHECK(world.receive(staying, "hello"));
}

TEST_CASE("Exchange of HTTP/1.0 without a length ends with the connection (asgi 40)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    call.begin();
    call.send("a", false);
    call.send("b", true);
  };
  Client client = world.connect();
  client.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
  const std::string text = world.receive_all(client);
  CHECK(text.substr(text.size() - 6) == "\r\n\r\nab");
  CHECK(text.find("transfer-encoding") == std::string::npos);
}

TEST_CASE("Exchange answers pipelined requests in order, one at a time (robustness 34)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) { call.respond(call.target); };
  Client client = world.connect();
  constexpr int count = 1000;
  std::string requests;
  std::string expected;
  for (int i = 0; i < count; ++i) {
    const std::string target = std::to_string(i).insert(0, 1, '/');
    requests += "GET " + target + " HTTP/1.1\r\nhost: a\r\n\r\n";
    expected +=
        "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(target.size()) + "\r\n\r\n" + target;
  }
  REQUIRE(world.send_all(client, requests));
  REQUIRE(world.until([&] {
    client.fill();
    return client.received().size() >= expected.size();
  }));
  CHECK(client.received() == expected);
}

TEST_CASE("Exchange holds a pipelined request until the first is answered (robustness 34)",
          "[net]") {
  World world;
  world.application.when_request = [](Call&) {};
  Client client = world.connect();
  client.send("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(world.requests(1));
  world.turns(5);
  REQUIRE(world.application.calls.size() == 1);
  CHECK(world.server().exchange_count() == 1);
  world.application.last().respond("one");
  // Never from inside the answer of the first: the application is not entered twice.
  CHECK(world.application.calls.size() == 1);
  REQUIRE(world.requests(2));
  CHECK(world.application.last().target == "/2");
  world.application.last().respond("two");
  REQUIRE(world.receive(client, "two"));
  CHECK(client.received().find("one") < client.received().find("two"));
}

TEST_CASE("Exchange bounds what a pipelining client may have in flight (robustness 34)", "[net]") {
  net::Settings settings = test_settings();
  settings.pipeline_bytes_max = 4096;
  World world(settings);
  world.application.when_request = [](Call&) {};
  Client client = world.connect();
  const std::string request = "GET /" + std::string(1000, 'x') + " HTTP/1.1\r\nhost: a\r\n\r\n";
  std::size_t sent = 0;
  std::string burst;
  for (int i = 0; i < 100; ++i) {
    burst += request;
  }
  // Until the kernel's buffers are full for good: the server has stopped to read.
  int idle_turns = 0;
  while (idle_turns < 50) {
    const std::size_t now = client.send(std::string_view(burst).substr(sent % burst.size()));
    sent += now;
    idle_turns = now == 0 ? idle_turns + 1 : 0;
    world.turn();
    REQUIRE(sent < 64U * 1024 * 1024);
  }
  CHECK(world.application.calls.size() == 1);
  // It goes on where it stopped.
  world.application.when_request = [](Call& call) { call.respond("x"); };
  world.application.last().respond("first");
  const std::size_t whole = sent / request.size();
  CHECK(world.until([&] {
    client.fill();
    return world.application.calls.size() >= whole;
  }));
}

TEST_CASE("Exchange answers HEAD without a body and goes on (robustness 43)", "[net]") {
  World world;
  Client client = world.connect();
  client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n" + get);
  REQUIRE(world.receive(client, "hello"));
  CHECK(client.take() == "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" + hello_response);
  world.application.when_request = [](Call& call) {
    call.begin();
    call.send("a", false);
    call.send("b", true);
  };
  client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(world.receive(client, "\r\n\r\n"));
  CHECK(client.take() == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(world.receive(client, "\r\n\r\n"));
}

TEST_CASE("Exchange stops an endless stream that answers HEAD (lesson 19)", "[net]") {
  net::Settings settings = test_settings();
  settings.drain_ns = 50 * base::ns_per_ms;
  World world(settings);
  bool by_size = false;
  world.application.when_request = [&](Call& call) {
    call.begin();
    net::SendResult result = call.send("event\n", false);
    while (by_size && result == net::SendResult::done) {
      result = call.send(std::string(1000, 'x'), false);
    }
    CHECK(result == (by_size ? net::SendResult::wait : net::SendResult::done));
  };
  Client client = world.connect();
  for (int round = 0; round < 2; ++round) {
    by_size = round == 1;
    client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    REQUIRE(world.receive(client, "\r\n\r\n"));
    client.take();
    Call& call = world.application.last();
    CHECK(world.until([&] { return call.disconnects == 1; }));
  }
  // The connection is intact.
  world.application.when_request = [](Call& call) { call.respond("hello"); };
  client.send(get);
  REQUIRE(world.receive(client, "hello"));
  CHECK(client.take() == hello_response);
}

TEST_CASE("Exchange writes no body for 204 and 304 (robustness 43, lesson 5)", "[net]") {
  World world;
  int status = 204;
  world.application.when_request = [&](Call& call) {
    call.begin(status);
    CHECK(call.send("", true) == net::SendResult::done);
  };
  Client client = world.connect();
  client.send(get);
  REQUIRE(world.receive(client, "\r\n\r\n"));
  CHECK(client.take() == "HTTP/1.1 204 No Content\r\n\r\n");
  status = 304;
  client.send(get);
  REQUIRE(world.receive(client, "\r\n\r\n"));
  CHECK(client.take() == "HTTP/1.1 304 Not Modified\r\n\r\n");
}

TEST_CASE("Exchange frames a streamed body as chunks (asgi 40)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    call.begin();
    call.exchange->add_field("transfer-encoding", "identity");
    call.send("abc", false);
    call.send("", false);
    call.send("defg", true);
  };
  Client client = world.connect();
  client.send(get);
  REQUIRE(world.receive(client, "0\r\n\r\n"));
  CHECK(client.take() ==
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
}

TEST_CASE("Exchange sends trailers to a client that takes them (asgi 45)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    call.exchange->begin_response(200, true);
    call.exchange->send_body("abc", true);
    CHECK(call.exchange->awaits_trailers());
    std::exchange(call.exchange, nullptr)->send_trailers("x-sum: 1\r\n");
  };
  Client client = world.connect();
  client.send("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n");
  REQUIRE(world.receive(client, "\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n"));
  client.take();
  client.send(get);
  REQUIRE(world.receive(client, "0\r\n\r\n"));
  CHECK(client.take().find("x-sum") == std::string::npos);
}

TEST_CASE("Exchange opens each response with date and server (robustness 44)", "[net]") {
  net::Settings settings = test_settings();
  settings.date_header = true;
  settings.server_header = "ringhorn";
  settings.extra_fields = "x-extra: 1\r\n";
  World world(settings);
  world.application.when_request = [](Call& call) {
    call.begin();
    if (call.target == "/own") {
      call.exchange->add_field("Date", "mine");
      call.exchange->add_field("Server", "mine too");
    }
    call.exchange->add_field("x-last", "2");
    call.send("", true);
  };
  Client client = world.connect();
  client.send(get);
  REQUIRE(world.receive(client, "\r\n\r\n"));
  std::string text = client.take();
  CHECK(text.substr(17, 6) == "date: ");
  CHECK(text.substr(17 + 37) ==
        "server: ringhorn\r\nx-extra: 1\r\nx-last: 2\r\ncontent-length: 0\r\n\r\n");
  client.send("GET /own HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(world.receive(client, "\r\n\r\n"));
  CHECK(client.take() ==
        "HTTP/1.1 200 OK\r\nx-extra: 1\r\ndate: mine\r\nserver: mine too\r\nx-last: 2\r\n"
        "content-length: 0\r\n\r\n");
}

TEST_CASE("Exchange writes one access line for any target (robustness 81)", "[net]") {
  net::Settings settings = test_settings();
  settings.access_log = true;
  World world(settings);
  Client client = world.connect();
  client.send("GET /a\"b%0d%0a?c\\d HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(world.receive(client, "hello"));
  const std::string line = world.access_text();
  CHECK(count_of(line, "\n") == 1);
  CHECK(line.find("127.0.0.1:") != std::string::npos);
  CHECK(line.find("HTTP/1.1\" 200") != std::string::npos);
  CHECK(line.find("a\"b") == std::string::npos);
}

TEST_CASE("Exchange refuses a field that would split the response (robustness 55)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    call.begin();
    CHECK(call.exchange->add_field("x", "a\r\nset-cookie: b") == http::FieldError::bad_value);
    call.fail();
  };
  Client client = world.connect();
  client.send(get);
  const std::string text = world.receive_all(client);
  CHECK(text.substr(0, 12) == "HTTP/1.1 500");
  CHECK(text.find("set-cookie") == std::string::npos);
}

TEST_CASE("Exchange keeps what the application caches per connection", "[net]") {
  World world;
  static int released = 0;
  released = 0;
  world.application.when_request = [](Call& call) {
    if (call.exchange->attachment().get() == nullptr) {
      call.exchange->attachment().set(&released, [](void* data) { ++*static_cast<int*>(data); });
    }
    const net::Peer peer = call.exchange->peer();
    CHECK(peer.client->host == "127.0.0.1");
    CHECK(peer.client->port != 0);
    CHECK(peer.server->host == "127.0.0.1");
    call.respond(call.exchange->attachment().get() == &released ? "same" : "other");
  };
  Client client = world.connect();
  client.send(get + get);
  REQUIRE(world.until([&] {
    client.fill();
    return count_of(client.received(), "same") == 2;
  }));
  CHECK(released == 0);
  client.close();
  REQUIRE(world.no_connections());
  CHECK(released == 1);
}

}  // namespace
}  // namespace ringhorn::test
