// What comes on an idle connection at the very moment at which the server ends it (robustness 87).
#include <string>

#include "support/catch.hpp"
#include "support/world.hpp"

namespace {

using ringhorn::test::Call;
using ringhorn::test::Client;
using ringhorn::test::World;

constexpr const char* get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";

void make_idle(World& world, Client& client) {
  world.application.when_request = [](Call& call) {
    call.read_all([](Call& whole) { whole.respond("got " + whole.body); });
  };
  client.send(get);
  REQUIRE(world.receive(client, "got "));
  client.take();
}

void check_answered(World& world, Client& client, const std::string& body) {
  const std::string text = world.receive_all(client);
  CHECK(text.find("connection: close\r\n") != std::string::npos);
  CHECK(text.substr(text.size() - body.size()) == body);
  CHECK_FALSE(client.was_reset());
}

}  // namespace

TEST_CASE("Last look of a server that drains serves the upload that has begun", "[net]") {
  World world;
  Client client = world.connect();
  make_idle(world, client);
  client.send(std::string(post) + "01234");  // not yet seen
  world.server().drain({}, [] {});
  REQUIRE(world.requests(2));
  world.turns(10);
  client.send("56789");
  check_answered(world, client, "got 0123456789");
}

TEST_CASE("Last look of a server that drains serves the head that has begun", "[net]") {
  World world;
  Client client = world.connect();
  make_idle(world, client);
  client.send("GET / HT");
  world.server().drain({}, [] {});
  world.turns(10);
  client.send("TP/1.1\r\nHost: a\r\n\r\n");
  check_answered(world, client, "got ");
}

TEST_CASE("Last look at a silent connection ends it in order", "[net]") {
  World world;
  Client client = world.connect();
  make_idle(world, client);
  world.server().drain({}, [] {});
  CHECK(world.receive_all(client).empty());
  CHECK_FALSE(client.was_reset());
  CHECK(world.no_connections());
}
