// The life of a connection: idle, stalled, half-closed, reset, slow to read.
#include <malloc.h>

#include <algorithm>

#include "../../src/net/connection.hpp"
#include "support/world.hpp"

namespace ringhorn::test {
namespace {

const std::string get = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

TEST_CASE("Connection that idles is closed in silence (robustness 36)", "[net]") {
  net::Settings settings = test_settings();
  settings.keep_alive_ns = 50 * base::ns_per_ms;
  World world(settings);
  Client client = world.connect();
  client.send(get);
  CHECK(world.receive_all(client) == hello_response);
  CHECK_FALSE(client.was_reset());
  CHECK(world.log_text().empty());
  REQUIRE(world.no_connections());
}

TEST_CASE("Connection is not idle while a response is being made (robustness 36)", "[net]") {
  net::Settings settings = test_settings();
  settings.keep_alive_ns = 20 * base::ns_per_ms;
  World world(settings);
  world.application.when_request = [](Call&) {};
  Client client = world.connect();
  client.send(get + get);
  REQUIRE(world.requests(1));
  const base::Nanoseconds start = base::monotonic_ns();
  CHECK(world.until([&] { return base::monotonic_ns() - start > 80 * base::ns_per_ms; }));
  world.application.last().respond("one");
  REQUIRE(world.requests(2));
  world.application.last().respond("two");
  const std::string text = world.receive_all(client);
  CHECK(text.find("one") < text.find("two"));
}

TEST_CASE("Connection closed by an idle client is forgotten at once (robustness 36)", "[net]") {
  World world;
  Client finished = world.connect();
  Client broken = world.connect();
  finished.send(get);
  broken.send(get);
  REQUIRE(world.receive(finished, "hello"));
  REQUIRE(world.receive(broken, "hello"));
  finished.close();
  broken.reset();
  CHECK(world.no_connections());
}

TEST_CASE("Connection looks once more before it closes for idling (robustness 87)", "[net]") {
  net::Settings settings = test_settings();
  settings.keep_alive_ns = 30 * base::ns_per_ms;
  World world(settings);
  Client client = world.connect();
  client.send(get);
  REQUIRE(world.receive(client, "hello"));
  client.take();
  // The server is busy with other things while the time passes and the next request comes.
  const base::Nanoseconds start = base::monotonic_ns();
  while (base::monotonic_ns() - start < 60 * base::ns_per_ms) {
  }
  client.send(get);
  const std::string text = world.receive_all(client);
  CHECK(text.find("hello") != std::string::npos);
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("Connection with a torn head is answered with 408 (robustness 37)", "[net]") {
  net::Settings settings = test_settings();
  settings.header_ns = 100 * base::ns_per_ms;
  // However quick the machine is, the head does not become too long before the time is over.
  settings.limits.field_bytes_max = settings.limits.head_bytes_max = 10'000'000;
  World world(settings);
  Client client = world.connect();
  // One byte at a time does not put the deadline off (Slowloris).
  const std::string head = "GET / HTTP/1.1\r\nx: " + std::string(1'000'000, 'x');
  std::size_t sent = 0;
  REQUIRE(world.until([&] {
    sent += client.send(head.substr(sent, 1));
    client.fill();
    return client.received().find("in time.") != std::string::npos;
  }));
  CHECK(client.received().find("HTTP/1.1 408 ") == 0);
  CHECK(client.received().find("connection: close\r\n") != std::string::npos);
  CHECK(world.application.calls.empty());
}

TEST_CASE("Connection that never speaks is closed in silence (robustness 37)", "[net]") {
  net::Settings settings = test_settings();
  settings.header_ns = 50 * base::ns_per_ms;
  World world(settings);
  Client client = world.connect();
  CHECK(world.receive_all(client).empty());
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("Connection that ends inside a head reaches no application (robustness 40)", "[net]") {
  World world;
  Client finished = world.connect();
  finished.send("GET / HT");
  finished.finish();
  CHECK(world.receive_all(finished).empty());
  Client broken = world.connect();
  broken.send("GET / HT");
  world.turns(3);
  broken.reset();
  CHECK(world.no_connections());
  CHECK(world.application.calls.empty());
  CHECK(world.log_text().empty());
}

TEST_CASE("Connection half closed by the client is still answered (robustness 41)", "[net]") {
  World world;
  world.application.when_request = [](Call&) {};
  Client client = world.connect();
  client.send(get + get);
  client.finish();
  REQUIRE(world.requests(1));
  Call& first = world.application.last();
  REQUIRE(world.until([&] { return first.peer_finishes == 1; }));
  CHECK(first.exchange->peer_finished());
  CHECK(first.disconnects == 0);
  first.begin();
  first.send(std::string(100000, 'x'), true);
  REQUIRE(world.requests(2));
  CHECK(world.application.last().exchange->peer_finished());
  world.application.last().respond("the end");
  const std::string text = world.receive_all(client);
  CHECK(count_of(text, "x") >= 100000);
  CHECK(text.substr(text.size() - 7) == "the end");
  CHECK_FALSE(client.was_reset());
  CHECK(world.no_connections());
}

TEST_CASE("Connection reset by the client disconnects the application (robustness 40)", "[net]") {
  World world;
  world.application.when_request = [](Call&) {};
  Client plain = world.connect();
  plain.send(get);
  REQUIRE(world.requests(1));
  plain.reset();
  CHECK(world.until([&] { return world.application.calls[0]->disconnects == 1; }));
  // Behind a FIN, where nothing is being read any more.
  Client half = world.connect();
  half.send(get);
  REQUIRE(world.requests(2));
  half.finish();
  REQUIRE(world.until([&] { return world.application.calls[1]->peer_finishes == 1; }));
  half.reset();
  CHECK(world.until([&] { return world.application.calls[1]->disconnects == 1; }));
  CHECK(world.no_connections());
}

TEST_CASE("Connection lost while its body is held back is noticed (robustness 33, 40)", "[net]") {
  net::Settings settings = test_settings();
  settings.body_ahead_bytes_max = 1000;
  World world(settings);
  world.application.when_request = [](Call&) {};
  bool by_reset = GENERATE(true, false);
  Client client = world.connect();
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 500000\r\n\r\n" +
              std::string(5000, 'x'));
  REQUIRE(world.requests(1));
  world.turns(5);
  by_reset ? client.reset() : client.finish();
  CHECK(world.until([&] { return world.application.last().disconnects == 1; }));
  CHECK(world.no_connections());
}

TEST_CASE("Connection that finished a held-back body is served to the end (robustness 41)",
          "[net]") {
  net::Settings settings = test_settings();
  settings.body_ahead_bytes_max = 1000;
  World world(settings);
  world.application.when_request = [](Call&) {};
  Client client = world.connect();
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n" +
              std::string(20000, 'x'));
  REQUIRE(world.requests(1));
  world.turns(5);
  client.send(std::string(40000, 'x'));
  client.finish();
  world.turns(20);
  Call& call = world.application.last();
  CHECK(call.disconnects == 0);
  call.read_all([](Call& done) { done.respond(std::to_string(done.body.size())); });
  const std::string text = world.receive_all(client);
  CHECK(text.substr(text.size() - 9) == "\r\n\r\n60000");
}

TEST_CASE("Connection whose client does not read is given up (robustness 39)", "[net]") {
  net::Settings settings = test_settings();
  settings.write_ns = 100 * base::ns_per_ms;
  World world(settings);
  std::size_t queued = 0;
  net::SendResult result = net::SendResult::done;
  world.application.when_request = [&](Call& call) {
    call.begin();
    const std::string piece(32768, 'x');
    while ((result = call.send(piece, false)) == net::SendResult::done) {
      queued += piece.size();
    }
  };
  Client client = world.connect(4096);
  client.send(get);
  REQUIRE(world.requests(1));
  CHECK(result == net::SendResult::wait);
  CHECK(queued <= settings.output_high_bytes);
  Call& call = world.application.last();
  call.when_writable = [](Call& waiting) {
    while (waiting.send(std::string(32768, 'x'), false) == net::SendResult::done) {
    }
  };
  CHECK(world.until([&] { return call.disconnects == 1; }));
  CHECK(world.no_connections());
}

TEST_CASE("Connection loses nothing of small responses that find no room (robustness 39)",
          "[net]") {
  World world;
  world.application.when_request = [](Call& call) { call.respond(std::string(8000, '#')); };
  // Connections inherit a buffer that three responses fill.
  const int small = 8192;
  REQUIRE(::setsockopt(world.listen_fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  Client client = world.connect(4096);
  constexpr std::size_t count = 20;
  // One by one, so that each is offered in passing.
  for (std::size_t sent = 0; sent < count; ++sent) {
    client.send(get);
    world.turn(0);
  }
  std::size_t received = 0;
  CHECK(world.until([&] {
    client.fill();
    const std::string text = client.take();
    received += static_cast<std::size_t>(std::count(text.begin(), text.end(), '#'));
    return received >= count * 8000;
  }));
  CHECK(received == count * 8000);
  CHECK(world.server().connection_count() == 1);
}

TEST_CASE("Connection whose client reads slowly is not given up (robustness 39)", "[net]") {
  net::Settings settings = test_settings();
  settings.write_ns = 300 * base::ns_per_ms;
  World world(settings);
  const std::string body(3000000, 'x');
  world.application.when_request = [&](Call& call) {
    call.begin();
    call.exchange->add_field("content-length", std::to_string(body.size()));
    call.exchange->send_body(base::OwnedSlice(
                                 body, [](void*) {}, nullptr),
                             true);
    call.exchange = nullptr;
  };
  Client client = world.connect(4096);
  client.send(get);
  base::Nanoseconds next = 0;
  const base::Nanoseconds start = base::monotonic_ns();
  CHECK(world.until([&] {
    if (base::monotonic_ns() > next) {
      next = base::monotonic_ns() + 10 * base::ns_per_ms;
      client.fill(60000);
    }
    return client.received().size() > body.size() || client.ended();
  }));
  CHECK(base::monotonic_ns() - start > 400 * base::ns_per_ms);
  CHECK(client.received().size() > body.size());
}

TEST_CASE("Connection whose client takes a little is not given up (robustness 39)", "[net]") {
  net::Settings settings = test_settings();
  settings.write_ns = 200 * base::ns_per_ms;
  World world(settings);
  const std::string body(30000000, 'x');
  world.application.when_request = [&](Call& call) {
    call.begin();
    call.exchange->send_body(base::OwnedSlice(
                                 body, [](void*) {}, nullptr),
                             true);
    call.exchange = nullptr;
  };
  Client client = world.connect(4096);
  client.send(get);
  base::Nanoseconds next = 0;
  const base::Nanoseconds start = base::monotonic_ns();
  // So little that no send ends for several times the limit: only the acknowledged bytes tell.
  CHECK(world.until([&] {
    if (base::monotonic_ns() > next) {
      next = base::monotonic_ns() + 20 * base::ns_per_ms;
      client.fill(2000);
    }
    return client.ended() || base::monotonic_ns() - start > 4 * settings.write_ns;
  }));
  CHECK_FALSE(client.ended());
  CHECK(world.server().connection_count() == 1);
}

TEST_CASE("Connection tells every waiting producer of room (robustness 39, lesson 12)", "[net]") {
  World world;
  std::size_t queued = 0;
  const auto fill = [&queued](Call& call) {
    while (call.send(std::string(60000, 'x'), false) == net::SendResult::done) {
      queued += 60000;
    }
    // A second producer waits as the first does.
    CHECK(call.send("y", false) == net::SendResult::wait);
  };
  world.application.when_request = [&](Call& call) {
    call.begin();
    call.when_writable = fill;
    fill(call);
  };
  Client client = world.connect(4096);
  client.send(get);
  REQUIRE(world.requests(1));
  Call& call = world.application.last();
  // The kernel takes some megabytes, then nothing moves and nobody is told to go on.
  std::size_t calls = 0;
  do {
    calls = call.writable_calls;
    for (int i = 0; i < 30; ++i) {
      world.turn();
    }
  } while (call.writable_calls > calls);
  CHECK(queued < 64U * 1024 * 1024);
  CHECK(world.until([&] {
    client.fill();
    return call.writable_calls > calls;
  }));
  call.send("", true);
  CHECK(world.receive(client, "\r\n0\r\n\r\n"));
}

TEST_CASE("Connection sends large pieces from the owner's memory (lesson 35)", "[net]") {
  World world;
  static int releases = 0;
  releases = 0;
  const std::string large(200000, 'L');
  const std::string small(100, 's');
  world.application.when_request = [&](Call& call) {
    call.begin();
    const auto slice = [](const std::string& text) {
      return base::OwnedSlice(
          text, [](void*) { ++releases; }, nullptr);
    };
    call.exchange->send_body(slice(small), false);
    CHECK(releases == 1);
    call.exchange->send_body(slice(large), false);
    call.exchange->send_body(slice(small), false);
    call.exchange->send_body(slice(large), true);
    CHECK(releases == 2);
    call.exchange = nullptr;
  };
  Client client = world.connect();
  client.send(get);
  REQUIRE(world.receive(client, "\r\n0\r\n\r\n"));
  CHECK(world.until([] { return releases == 4; }));
  const std::string body = "64\r\n" + small + "\r\n30d40\r\n" + large + "\r\n64\r\n" + small +
                           "\r\n30d40\r\n" + large + "\r\n0\r\n\r\n";
  CHECK(client.received().substr(client.received().find("\r\n\r\n") + 4) == body);
}

TEST_CASE("Connection with a broken length is closed (robustness 54)", "[net]") {
  World world;
  net::SendResult result = net::SendResult::done;
  std::string body;
  world.application.when_request = [&](Call& call) {
    call.begin();
    call.exchange->add_field("content-length", "5");
    result = call.send(body, true);
  };
  for (const std::string text : {"abcdefgh", "abc"}) {
    body = text;
    Client client = world.connect();
    client.send(get + get);
    const std::string response = world.receive_all(client);
    CHECK(response.substr(response.find("\r\n\r\n") + 4) == text.substr(0, 5));
    CHECK(result == (text.size() > 5 ? net::SendResult::too_long : net::SendResult::too_short));
  }
  CHECK(world.application.calls.size() == 2);
}

TEST_CASE("Connection of an application that fails (robustness 49, 53)", "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    if (call.target == "/late") {
      call.begin();
      call.send("part", false);
    }
    call.fail();
  };
  Client early = world.connect();
  early.send(get);
  const std::string text = world.receive_all(early);
  CHECK(text.find("HTTP/1.1 500 ") == 0);
  CHECK(text.find("connection: close\r\n") != std::string::npos);
  CHECK(text.substr(text.size() - 21) == "Internal Server Error");
  Client late = world.connect();
  late.send("GET /late HTTP/1.1\r\nhost: a\r\n\r\n");
  const std::string cut = world.receive_all(late);
  CHECK(cut.find("part") != std::string::npos);
  CHECK(cut.find("\r\n0\r\n") == std::string::npos);
  // Where only the connection's end tells where the body ends, the end must be an error.
  Client old = world.connect();
  old.send("GET /late HTTP/1.0\r\n\r\n");
  world.receive_all(old);
  CHECK(old.was_reset());
}

TEST_CASE("Connection of an application that aborts", "[net]") {
  World world;
  world.application.when_request = [](Call& call) { call.abort(); };
  Client client = world.connect();
  client.send(get);
  CHECK(world.receive_all(client).empty());
  CHECK(client.was_reset());
  CHECK(world.no_connections());
}

TEST_CASE("Connection that we end is not reset by the client's next request (robustness 86)",
          "[net]") {
  World world;
  world.application.when_request = [](Call& call) {
    call.begin();
    call.exchange->add_field("connection", "close");
    call.send("bye", true);
  };
  Client client = world.connect();
  client.send(get);
  REQUIRE(world.until([&] {
    client.send(get);
    return world.server().finished_count() == 1;
  }));
  world.turns(5);
  client.send(get);
  world.turns(5);
  CHECK(count_of(world.receive_all(client), "bye") == 1);
  CHECK_FALSE(client.was_reset());
  client.close();
  CHECK(world.no_connections());
  // One that never closes is not waited for as long as one that is still sending.
  Client idle = world.connect();
  idle.send(get);
  world.receive_all(idle);
  CHECK(world.no_connections());
}

TEST_CASE("Connection holds little memory while it idles (lesson 35)", "[net]") {
  CHECK(sizeof(net::Connection) <= 900);
  World world;
  std::vector<std::unique_ptr<Client>> clients;
  const auto serve = [&](std::size_t count) {
    const std::size_t first = clients.size();
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<Client>(world.port()));
      clients.back()->send(get);
    }
    for (std::size_t i = first; i < clients.size(); ++i) {
      REQUIRE(world.receive(*clients[i], "hello"));
    }
    world.application.calls.clear();
    clients.reserve(400);
    world.turns(5);
  };
  serve(100);  // fills the pools
  const std::size_t before = ::mallinfo2().uordblks;
  serve(200);
  const std::size_t after = ::mallinfo2().uordblks;
  const std::size_t client_bytes = 200 * (sizeof(Client) + 128);
  CHECK(after - before < 200 * 1000 + client_bytes);
}

}  // namespace
}  // namespace ringhorn::test
