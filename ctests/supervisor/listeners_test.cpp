#include <ringhorn/supervisor/listeners.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>

#include <ringhorn/sock/listen.hpp>

#include "supervisor/owner.hpp"
#include "support/catch.hpp"

using ringhorn::base::UniqueFd;
using ringhorn::config::Endpoint;
using ringhorn::config::Environment;
using ringhorn::config::Options;
using ringhorn::sock::Hold;
using namespace ringhorn::supervisor;

namespace {

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

bool accepts(const ringhorn::sock::Listening& listening) {
  int value = 0;
  socklen_t length = sizeof value;
  ::getsockopt(listening.socket.value(), SOL_SOCKET, SO_ACCEPTCONN, &value, &length);
  return value != 0;
}

Options options_for(std::vector<Endpoint> endpoints) {
  Options options;
  options.port = 0;
  options.binds = std::move(endpoints);
  return options;
}

Endpoint abstract(const std::string& name) {
  return {Endpoint::Kind::unix_abstract, name + std::to_string(::getpid()), 0, -1};
}

}  // namespace

TEST_CASE("activated_descriptors are those for this process", "[supervisor]") {
  const std::string self = std::to_string(::getpid());
  const auto activated = [](std::map<std::string, std::string> variables) {
    return activated_descriptors(environment_of(std::move(variables)));
  };
  CHECK(activated({{"LISTEN_PID", self}, {"LISTEN_FDS", "2"}}) == std::vector<int>{3, 4});
  CHECK(activated({{"LISTEN_PID", "1"}, {"LISTEN_FDS", "2"}}).empty());
  CHECK(activated({{"LISTEN_FDS", "2"}}).empty());
  CHECK(activated({{"LISTEN_PID", self}}).empty());
  CHECK(activated({{"LISTEN_PID", self}, {"LISTEN_FDS", "2x"}}).empty());
  CHECK(activated({}).empty());
}

TEST_CASE("open_listeners opens all that is asked for, listening", "[supervisor]") {
  const Endpoint tcp{Endpoint::Kind::tcp, "127.0.0.1", 0, -1};
  auto opened = open_listeners(options_for({tcp, abstract("a"), tcp}), {});
  REQUIRE(opened.ok());
  const Listeners& listeners = opened.value();
  REQUIRE(listeners.size() == 3);
  for (const auto& listening : listeners) {
    CHECK(accepts(listening));
    CHECK(listening.hold == Hold::ours);
  }
  CHECK(listeners[0].address.port != listeners[2].address.port);
}

TEST_CASE("open_listeners leaves nothing behind when one fails", "[supervisor]") {
  const Endpoint missing{Endpoint::Kind::descriptor, "", 0, 999'999};
  auto opened = open_listeners(options_for({abstract("b"), missing}), {});
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error() == "cannot listen on descriptor 999999: it is not open");
  CHECK(open_listeners(options_for({abstract("b")}), {}).ok());
}

TEST_CASE("open_listeners takes activated sockets for --host and --port", "[supervisor]") {
  const auto activated = [] {
    UniqueFd fd = ringhorn::sock::bind_tcp({.host = "127.0.0.1"}).take_value();
    return fd.release();
  };
  auto alone = open_listeners(options_for({}), {activated()});
  REQUIRE(alone.ok());
  REQUIRE(alone.value().size() == 1);
  CHECK(alone.value()[0].hold == Hold::shared);
  CHECK(accepts(alone.value()[0]));
  auto both = open_listeners(options_for({abstract("c")}), {activated()});
  REQUIRE(both.ok());
  CHECK(both.value().size() == 2);
}

TEST_CASE("look_up_owner knows names, numbers and neither", "[supervisor]") {
  const auto both = look_up_owner("root:root");
  REQUIRE(both.ok());
  CHECK(both.value().user == uid_t{0});
  CHECK(both.value().group == gid_t{0});
  CHECK(look_up_owner("4321").value().user == uid_t{4321});
  CHECK_FALSE(look_up_owner(":1234").value().user.has_value());
  CHECK(look_up_owner(":1234").value().group == gid_t{1234});
  CHECK(look_up_owner("no-such-user-here").error() == "there is no user 'no-such-user-here'");
  CHECK(look_up_owner("0:no-such-group").error() == "there is no group 'no-such-group'");
  CHECK_FALSE(look_up_owner("4294967295").ok());
}

TEST_CASE("open_listeners gives each worker a socket of its own by hash", "[supervisor]") {
  const Endpoint tcp{Endpoint::Kind::tcp, "127.0.0.1", 0, -1};
  Options options = options_for({tcp, abstract("h")});
  options.balance = ringhorn::config::Balance::hash;
  options.workers = 3;
  auto opened = open_listeners(options, {});
  REQUIRE(opened.ok());
  const Listeners& listeners = opened.value();
  REQUIRE(listeners.size() == 4);
  for (unsigned share = 0; share < 3; ++share) {
    CHECK(listeners[share].share == share);
    CHECK(listeners[share].address.port == listeners[0].address.port);
    CHECK(accepts(listeners[share]));
  }
  CHECK(listeners[0].address.port != 0);
  CHECK_FALSE(listeners[3].share);  // the queue of a Unix socket cannot be shared out
  // Another server that does the same must not get in.
  options.binds[0].port = listeners[0].address.port;
  options.binds.pop_back();
  auto again = open_listeners(options, {});
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().find("address already in use") != std::string::npos);
}

TEST_CASE("every socket has a worker, and every worker a socket", "[supervisor]") {
  constexpr unsigned shares = 4;
  for (unsigned count = 1; count < 10; ++count) {
    std::map<unsigned, int> served;
    for (unsigned slot = 0; slot < count; ++slot) {
      int here = 0;
      for (unsigned share = 0; share < shares; ++share) {
        ringhorn::sock::Listening listening;
        listening.share = share;
        const bool serves_it = serves(slot, count, listening, shares);
        here += serves_it;
        served[share] += serves_it;
      }
      CHECK(here > 0);
    }
    CHECK(served.size() == shares);
    for (const auto& [share, workers] : served) {
      CHECK(workers > 0);
    }
    CHECK(serves(0, count, ringhorn::sock::Listening(), shares));
  }
}
