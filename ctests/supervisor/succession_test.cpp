#include "supervisor/succession.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

#include <ringhorn/sock/listen.hpp>

#include "supervisor/inheritance.hpp"
#include "support/catch.hpp"

using ringhorn::base::UniqueFd;
using ringhorn::sock::Channel;
using ringhorn::sock::Hold;
using ringhorn::sock::Message;
using namespace ringhorn::supervisor;

namespace {

ringhorn::sock::Listening listening(Hold hold) {
  UniqueFd fd = ringhorn::sock::bind_tcp({.host = "127.0.0.1"}).take_value();
  auto address = ringhorn::sock::local_address(fd.value());
  return {std::move(fd), std::move(address), hold};
}

}  // namespace

TEST_CASE("Succession survives exec as text and descriptors", "[supervisor][robustness_84]") {
  auto [ours, theirs] = Channel::make_pair().take_value();
  Listeners given;
  given.push_back(listening(Hold::ours));
  given.back().share = 1;
  given.push_back(listening(Hold::shared));
  const auto address = given[0].address;
  std::string text;
  put_fd(text, ::dup(theirs.fd()));
  put_listeners(text, given);
  for (auto& each : given) {
    each.socket.release();  // the program is the same here, and must not close them twice
  }
  auto taken = take_succession(text);
  REQUIRE(taken);
  REQUIRE(taken->listeners.size() == 2);
  CHECK(taken->listeners[0].hold == Hold::ours);
  CHECK(taken->listeners[0].share == 1U);
  CHECK(taken->listeners[0].address == address);
  CHECK(taken->listeners[1].hold == Hold::shared);
  CHECK_FALSE(taken->listeners[1].share);
  theirs.close();
  Message message{};
  CHECK(ours.hear(message) == Channel::State::silence);
  taken.reset();
  CHECK(ours.hear(message) == Channel::State::end);
}

TEST_CASE("Succession is refused when the text is none", "[supervisor]") {
  for (const std::string text : {"", "x", "1000000 1000001 1 0", "1000000 1 0"}) {
    CAPTURE(text);
    CHECK_FALSE(take_succession(text));
  }
}

TEST_CASE("Succession by a program that is not there ends as in a shell", "[supervisor]") {
  SignalWatch signals;
  auto started = start_successor({"/nowhere/program"}, {}, signals);
  REQUIRE(started.ok());
  int status = 0;
  REQUIRE(::waitpid(started.value().pid, &status, 0) == started.value().pid);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == not_executed));
}
