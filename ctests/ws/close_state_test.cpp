// The closing handshake: robustness 62, 64, 65; lesson 36.
#include <ringhorn/ws/close_state.hpp>

#include <string>

#include "support/catch.hpp"

using namespace std::string_literals;
using namespace ringhorn::ws;
using ringhorn::base::ByteBuffer;

using State = CloseState::State;

namespace {

struct World {
  CloseState close;
  ByteBuffer out;

  std::string written() {
    std::string bytes(out.view());
    out.clear();
    return bytes;
  }
};

}  // namespace

TEST_CASE("robustness 64: their close is answered once with their code", "[ws]") {
  World world;
  REQUIRE(world.close.may_send());
  REQUIRE(world.close.may_deliver());
  world.close.on_close(world.out, {.code = 4001, .reason = "done"});
  REQUIRE(world.written() == "\x88\x02\x0f\xa1");
  REQUIRE(world.close.state() == State::closed);
  REQUIRE(world.close.code() == 4001);
  REQUIRE(world.close.reason() == "done");
  REQUIRE(!world.close.may_send());
  REQUIRE(!world.close.may_deliver());
  REQUIRE(!world.close.may_read());
  REQUIRE(world.close.over());
  // Nothing follows.
  world.close.on_close(world.out, {.code = 1000});
  world.close.fail(world.out, {1002, "x"});
  world.close.on_lost();
  REQUIRE(!world.close.close(world.out, 1011, ""));
  REQUIRE(world.written().empty());
  REQUIRE(world.close.code() == 4001);
  REQUIRE(world.close.state() == State::closed);
}

TEST_CASE("robustness 64: an empty close is answered with one, and is 1005", "[ws]") {
  World world;
  world.close.on_close(world.out, {});
  REQUIRE(world.written() == "\x88\x00"s);
  REQUIRE(world.close.code() == 1005);
  REQUIRE(world.close.reason().empty());
}

TEST_CASE("lesson 36: after our close theirs is waited for, and nothing is sent", "[ws]") {
  World world;
  REQUIRE(world.close.close(world.out, 1011, "broken"));
  REQUIRE(world.written() == "\x88\x08\x03\xf3"s + "broken");
  REQUIRE(world.close.state() == State::closing);
  REQUIRE(!world.close.may_send());
  REQUIRE(!world.close.may_deliver());
  REQUIRE(world.close.may_read());
  REQUIRE(!world.close.over());
  REQUIRE(!world.close.close(world.out, 1000, ""));
  world.close.on_close(world.out, {.code = 1000, .reason = "theirs"});
  REQUIRE(world.written().empty());
  REQUIRE(world.close.over());
  // Who began says what it was.
  REQUIRE(world.close.code() == 1011);
  REQUIRE(world.close.reason() == "broken");
}

TEST_CASE("robustness 62: who breaks the rules is told and not waited for", "[ws]") {
  World world;
  world.close.fail(world.out, {1002, "a frame without a mask"});
  REQUIRE(world.written() == "\x88\x18\x03\xea"s + "a frame without a mask");
  REQUIRE(world.close.state() == State::failed);
  REQUIRE(world.close.over());
  REQUIRE(world.close.code() == 1002);
  REQUIRE(world.close.reason() == "a frame without a mask");
  world.close.on_lost();
  REQUIRE(world.close.state() == State::failed);
}

TEST_CASE("robustness 62: a fault behind our close ends the wait without a second one", "[ws]") {
  World world;
  world.close.close(world.out, 1000, "");
  world.written();
  world.close.fail(world.out, {1002, "x"});
  REQUIRE(world.written().empty());
  REQUIRE(world.close.over());
  REQUIRE(world.close.code() == 1000);
}

TEST_CASE("robustness 65: a lost transport is 1006, unless a close came first", "[ws]") {
  World world;
  world.close.on_lost();
  REQUIRE(world.close.state() == State::lost);
  REQUIRE(world.close.code() == 1006);
  REQUIRE(world.close.over());
  REQUIRE(!world.close.close(world.out, 1000, ""));
  REQUIRE(world.written().empty());

  World closing;
  closing.close.close(closing.out, 1012, "");
  closing.close.on_lost();
  REQUIRE(closing.close.code() == 1012);
  REQUIRE(closing.close.over());
}
