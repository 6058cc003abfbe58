#include <ringhorn/supervisor/assignment.hpp>

#include <fcntl.h>

#include <string>
#include <utility>

#include <ringhorn/sock/listen.hpp>

#include "support/catch.hpp"

using ringhorn::base::UniqueFd;
using ringhorn::sock::Channel;
using ringhorn::sock::Hold;
using ringhorn::sock::Message;
using ringhorn::sock::Word;
using ringhorn::telemetry::Board;
using namespace ringhorn::supervisor;

namespace {

bool inheritable(int fd) {
  return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
}

ringhorn::sock::Listening listening(Hold hold) {
  UniqueFd fd = ringhorn::sock::bind_tcp({.host = "127.0.0.1"}).take_value();
  auto address = ringhorn::sock::local_address(fd.value());
  return {std::move(fd), std::move(address), hold, std::nullopt};
}

}  // namespace

TEST_CASE("Assignment survives exec as text and descriptors", "[supervisor]") {
  auto ends = Channel::make_pair();
  REQUIRE(ends.ok());
  auto [ours, theirs] = ends.take_value();
  Assignment given{3, 7, 5, std::move(theirs), Board::make().take_value(), {}};
  given.listeners.push_back(listening(Hold::ours));
  given.listeners.push_back(listening(Hold::shared));
  given.board.entry(5).heartbeat_ns = 4711;
  const std::string text = hand_on(given);
  CHECK(inheritable(given.channel.fd()));
  CHECK(inheritable(given.board.fd()));
  CHECK(inheritable(given.listeners[1].socket.value()));

  auto taken = take_over(text);
  REQUIRE(taken);
  CHECK(taken->slot == 3);
  CHECK(taken->generation == 7);
  CHECK(taken->entry == 5);
  CHECK(taken->board.entry(5).heartbeat_ns == 4711);
  REQUIRE(taken->listeners.size() == 2);
  CHECK(taken->listeners[0].hold == Hold::ours);
  CHECK(taken->listeners[0].address == given.listeners[0].address);
  CHECK(taken->listeners[1].hold == Hold::shared);
  CHECK_FALSE(inheritable(taken->channel.fd()));
  CHECK_FALSE(inheritable(taken->listeners[0].socket.value()));
  CHECK(taken->channel.say(Word::spent, "enough"));
  Message message{};
  REQUIRE(ours.hear(message) == Channel::State::message);
  CHECK(message.word == Word::spent);
  CHECK(message.text == "enough");
  CHECK(ours.hear(message) == Channel::State::silence);
  // The same numbers again: they belong to one owner only.
  static_cast<void>(given.channel.fd());
  for (auto& one : given.listeners) {
    one.socket.release();
  }
}

TEST_CASE("Assignment of a template says so", "[supervisor]") {
  auto [ours, theirs] = Channel::make_pair().take_value();
  Assignment given{0, 0, 0, std::move(theirs), Board::make().take_value(), {}, Role::preload};
  given.listeners.push_back(listening(Hold::ours));
  const std::string text = hand_on(given);
  const auto taken = take_over(text);
  REQUIRE(taken);
  CHECK(taken->role == Role::preload);
  given.listeners[0].socket.release();
}

TEST_CASE("Place survives as text", "[supervisor]") {
  const auto place = place_in(to_text({3, 7, 5, 4}));
  REQUIRE(place);
  CHECK(place->slot == 3);
  CHECK(place->generation == 7);
  CHECK(place->entry == 5);
  CHECK(place->count == 4);
  for (const std::string text : {"", "x", "1 2 3", "4 7 5 4", "3 7 99999 4", "3 7 5 4 1"}) {
    CAPTURE(text);
    CHECK_FALSE(place_in(text));
  }
}

TEST_CASE("assign gives a worker the sockets that it accepts from", "[supervisor]") {
  auto [ours, theirs] = Channel::make_pair().take_value();
  Listeners all;
  for (unsigned share = 0; share < 2; ++share) {
    all.push_back(listening(Hold::ours));
    all.back().share = share;
  }
  const auto wanted = all[1].address;
  const Assignment one = assign({1, 1, 0, 2}, std::move(theirs), Board(), std::move(all), 2);
  REQUIRE(one.listeners.size() == 1);
  CHECK(one.listeners[0].address == wanted);
  CHECK(one.slot == 1);
}

TEST_CASE("Channel passes a descriptor along", "[sock]") {
  auto [ours, theirs] = Channel::make_pair().take_value();
  auto [near, far] = Channel::make_pair().take_value();
  REQUIRE(ours.pass(Word::bear, "1 2 3", far.fd()));
  far.close();
  Message message{};
  CHECK(near.hear(message) == Channel::State::silence);  // on the way it is open
  REQUIRE(theirs.hear(message) == Channel::State::message);
  CHECK(message.word == Word::bear);
  CHECK(message.text == "1 2 3");
  REQUIRE(message.descriptor);
  CHECK_FALSE(inheritable(message.descriptor.value()));
  CHECK(Channel(std::move(message.descriptor)).say(Word::born, "4711"));
  REQUIRE(near.hear(message) == Channel::State::message);
  CHECK(message.text == "4711");
  CHECK_FALSE(message.descriptor);
  CHECK(near.hear(message) == Channel::State::end);
}

TEST_CASE("Channel tells of a descriptor that nobody will take", "[sock]") {
  auto [ours, theirs] = Channel::make_pair().take_value();
  auto [near, far] = Channel::make_pair().take_value();
  REQUIRE(ours.pass(Word::bear, "", far.fd()));
  far.close();
  theirs.close();
  Message message{};
  CHECK(near.hear(message) == Channel::State::end);
}

TEST_CASE("Assignment refuses what is no assignment", "[supervisor]") {
  for (const std::string text : {"", "x", "1 2 3", "1 2 3 4 5", "1 2 3 999999 999999 999999 1",
                                 "1 2 3 -4 5 6 1", "1 2 3 4 5 6"}) {
    CAPTURE(text);
    CHECK_FALSE(take_over(text));
  }
}

TEST_CASE("Channel tells the end of the other side", "[sock]") {
  auto ends = Channel::make_pair();
  auto [ours, theirs] = ends.take_value();
  REQUIRE(theirs.say(Word::ready));
  theirs.close();
  Message message{};
  CHECK(ours.hear(message) == Channel::State::message);
  CHECK(message.text.empty());
  CHECK(ours.hear(message) == Channel::State::end);
  CHECK_FALSE(ours.say(Word::retire));
}

TEST_CASE("Channel cuts a text that is too long", "[sock]") {
  auto ends = Channel::make_pair();
  auto [ours, theirs] = ends.take_value();
  REQUIRE(theirs.say(Word::spent, std::string(2000, 'x')));
  Message message{};
  REQUIRE(ours.hear(message) == Channel::State::message);
  CHECK(message.text == std::string(Channel::text_bytes_max, 'x'));
}
