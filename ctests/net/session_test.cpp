// Calls back into the exchange from inside its callbacks, and requests cut anywhere.
#include <random>
#include <vector>

#include "support/world.hpp"

namespace ringhorn::test {
namespace {

const std::string get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const std::string post_head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n";

TEST_CASE("Session goes on when a response is completed in on_body_ready", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    if (call.method == "POST") {
      call.when_body = [](Call& ready) {
        ready.take();
        ready.respond("early " + ready.body);
      };
      call.exchange->await_body();
    } else {
      call.respond("hello");
    }
  };
  Client client = world.connect();
  client.send(post_head);
  REQUIRE(world.requests(1));
  client.send("abc");
  REQUIRE(world.receive(client, "early abc"));
  client.send("def" + get);
  CHECK(world.receive(client, "hello"));
}

TEST_CASE("Session survives the end of the exchange in every callback", "[net]") {
  using End = void (Call::*)();
  net::Settings settings = test_settings();
  settings.linger_ns = 50 * base::ns_per_ms;
  for (const End end : {&Call::fail, &Call::abort}) {
    World world(settings);
    world.application.when_request = [end](Call& call) {
      if (call.target == "/now") {
        (call.*end)();
        return;
      }
      if (call.target == "/body") {
        call.when_body = [end](Call& ready) { (ready.*end)(); };
        call.exchange->await_body();
        return;
      }
      call.begin();
      while (call.send(std::string(50000, 'x'), false) == net::SendResult::done) {
      }
      call.when_writable = [end](Call& ready) { (ready.*end)(); };
    };
    Client now = world.connect();
    now.send("GET /now HTTP/1.1\r\nhost: a\r\n\r\n" + get);
    world.receive_all(now);
    Client body = world.connect();
    body.send("POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n");
    REQUIRE(world.requests(2));
    body.send("abcdef" + get);
    world.receive_all(body);
    Client writable = world.connect(4096);
    writable.send("GET /writable HTTP/1.1\r\nhost: a\r\n\r\n" + get);
    world.receive_all(writable);
    CHECK(world.application.calls.size() == 3);
    CHECK(world.no_connections());
  }
}

TEST_CASE("Session lets a handler write more from on_writable", "[net]") {
  World world;
  constexpr int rounds = 20;
  int round = 0;
  const auto fill = [&round](Call& call) {
    while (call.exchange != nullptr) {
      const bool last = ++round == rounds;
      if (call.send(std::string(100000, 'x'), last) == net::SendResult::wait) {
        break;
      }
    }
  };
  world.application.when_request = [&](Call& call) {
    call.begin();
    call.when_writable = fill;
    fill(call);
  };
  Client client = world.connect();
  client.send(get);
  REQUIRE(world.receive(client, "\r\n0\r\n\r\n"));
  CHECK(count_of(client.received(), "x") == rounds * 100000U);
}

TEST_CASE("Session lets one application end another's exchange", "[net]") {
  World world;
  world.application.when_request = [&](Call& call) {
    if (call.target == "/kill") {
      world.application.calls.front()->abort();
      call.respond("killed");
    }
  };
  Client victim = world.connect();
  victim.send(get);
  REQUIRE(world.requests(1));
  Client killer = world.connect();
  killer.send("GET /kill HTTP/1.1\r\nhost: a\r\n\r\n");
  CHECK(world.receive(killer, "killed"));
  world.receive_all(victim);
  CHECK(world.application.calls.front()->disconnects == 0);
}

TEST_CASE("Session survives a stop of the server from inside the application", "[net]") {
  World world;
  world.application.when_request = [&](Call&) { world.server().abort_all(); };
  Client client = world.connect();
  client.send(get + get);
  world.receive_all(client);
  CHECK(world.application.calls.size() == 1);
  CHECK(world.application.last().disconnects == 1);
}

TEST_CASE("Session reads requests that come one byte at a time", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    call.read_all([](Call& done) { done.respond(done.target + done.body); });
  };
  Client client = world.connect();
  const std::string requests =
      "GET /one HTTP/1.1\r\nhost: a\r\n\r\n"
      "POST /two HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
      "POST /three HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n"
      "\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nx-t: 1\r\n\r\n"
      "GET /end HTTP/1.1\r\nhost: a\r\n\r\n";
  for (const char byte : requests) {
    client.send({&byte, 1});
    world.turn();
  }
  REQUIRE(world.receive(client, "/end"));
  CHECK(count_of(client.received(), "/twoabc") == 1);
  CHECK(count_of(client.received(), "/threeabcde") == 1);
  CHECK(world.application.calls.size() == 4);
}

/// Some requests in a row, with bodies of both framings, empty lines and early answers.
std::string make_stream(std::mt19937& random, int count) {
  std::string stream;
  for (int i = 0; i < count; ++i) {
    const std::string target = "/" + std::to_string(i);
    const std::string body(random() % 3000, static_cast<char>('a' + i % 26));
    switch (random() % 5) {
      case 0:
        stream += "GET " + target + " HTTP/1.1\r\nhost: a\r\n\r\n";
        break;
      case 1:
        stream += "HEAD " + target + " HTTP/1.1\r\nhost: a\r\nx: " + body + "\r\n\r\n";
        break;
      case 2:
        stream += "POST " + target +
                  " HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(body.size()) +
                  "\r\n\r\n" + body;
        break;
      case 3:
        stream += "\r\nPUT /early" + target +
                  " HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(body.size()) +
                  "\r\n\r\n" + body;
        break;
      default:
        stream += "POST " + target + " HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        for (std::size_t at = 0; at < body.size();) {
          const std::size_t size = std::min<std::size_t>(1 + random() % 400, body.size() - at);
          char line[32];
          std::snprintf(line, sizeof line, "%zx\r\n", size);
          stream += line + body.substr(at, size) + "\r\n";
          at += size;
        }
        stream += "0\r\n\r\n";
    }
  }
  return stream + "GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
}

/// The responses to `stream`, sent in pieces of at most `piece_max` bytes.
std::string responses_to(const std::string& stream, std::mt19937& random, std::size_t piece_max,
                         bool later) {
  net::Settings settings = test_settings();
  settings.body_ahead_bytes_max = 1000;
  settings.pipeline_bytes_max = 2000;
  settings.drain_bytes_max = 100000;
  World world(settings);
  std::vector<Call*> open;
  world.application.when_request = [&](Call& call) {
    if (later) {
      open.push_back(&call);
    } else if (call.target.starts_with("/early")) {
      call.respond(call.target);
    } else {
      call.read_all([](Call& done) { done.respond(done.target + done.body); });
    }
  };
  Client client = world.connect();
  std::size_t sent = 0;
  REQUIRE(world.until([&] {
    sent += client.send(std::string_view(stream).substr(sent, 1 + random() % piece_max));
    client.fill();
    for (Call* call : std::exchange(open, {})) {
      if (call->target.starts_with("/early")) {
        call->respond(call->target);
      } else {
        call->read_all([](Call& done) { done.respond(done.target + done.body); });
      }
    }
    return client.ended();
  }));
  return client.take();
}

TEST_CASE("Session answers a stream cut anywhere as it answers it whole", "[net]") {
  std::mt19937 random(20261121);
  for (int round = 0; round < 6; ++round) {
    INFO("round " << round);
    const std::string stream = make_stream(random, 40);
    const std::string whole = responses_to(stream, random, stream.size(), false);
    CHECK(count_of(whole, "HTTP/1.1 200 OK") == 41);
    CHECK(responses_to(stream, random, 700, false) == whole);
    CHECK(responses_to(stream, random, 5000, true) == whole);
  }
}

}  // namespace
}  // namespace ringhorn::test
