// What the server writes, byte for byte, and as a client reads it.
#include <ringhorn/ws/message_writer.hpp>

#include <string>

#include "support/catch.hpp"
#include "ws/deflate.hpp"

using namespace std::string_literals;
using namespace ringhorn::ws;
using ringhorn::base::ByteBuffer;

namespace {

std::string write(MessageWriter writer, MessageKind kind, std::string_view payload) {
  ByteBuffer out;
  out.append("<");
  writer.write(out, kind, payload);
  REQUIRE(out.view().front() == '<');
  return std::string(out.view().substr(1));
}

std::string write_close(std::uint16_t code, std::string_view reason) {
  ByteBuffer out;
  ringhorn::ws::write_close(out, code, reason);
  return std::string(out.view());
}

}  // namespace

TEST_CASE("MessageWriter writes one frame without a mask", "[ws]") {
  const MessageWriter writer;
  REQUIRE(write(writer, MessageKind::text, "") == "\x81\x00"s);
  REQUIRE(write(writer, MessageKind::text, "hello") == "\x81\x05hello");
  REQUIRE(write(writer, MessageKind::binary, "\0\xff"s) == "\x82\x02\0\xff"s);
  REQUIRE(write(writer, MessageKind::binary, std::string(125, 'x')) ==
          "\x82\x7d" + std::string(125, 'x'));
  REQUIRE(write(writer, MessageKind::binary, std::string(126, 'x')) ==
          "\x82\x7e\x00\x7e"s + std::string(126, 'x'));
  REQUIRE(write(writer, MessageKind::text, std::string(65536, 'x')) ==
          "\x81\x7f\0\0\0\0\0\x01\0\0"s + std::string(65536, 'x'));
  REQUIRE(!writer.compresses(1 << 20));
}

TEST_CASE("write_message_head: what goes before bytes that go by reference", "[ws]") {
  ByteBuffer out;
  write_message_head(out, MessageKind::binary, 70000);
  REQUIRE(out.view() == "\x82\x7f\0\0\0\0\0\x01\x11\x70"s);
}

TEST_CASE("robustness 67: messages from the threshold on are compressed", "[ws]") {
  DeflatePool pool;
  for (const int bits : {9, 12, 15}) {
    const auto window = static_cast<std::uint8_t>(bits);
    const MessageWriter writer(pool, {.enabled = true, .server_window_bits = window}, 100);
    REQUIRE(!writer.compresses(99));
    REQUIRE(writer.compresses(100));
    REQUIRE(write(writer, MessageKind::text, prose(99)) == "\x81\x63" + prose(99));
    // From one length of length to another, and with the same.
    for (const std::size_t size : {100, 125, 126, 500, 3000, 65535, 65536, 300'000, 2'000'000}) {
      const std::string payload = prose(size);
      const std::string frame = write(writer, MessageKind::binary, payload);
      INFO(size << " bytes in " << frame.size());
      REQUIRE(frame.size() < payload.size());
      REQUIRE(frame[0] == '\xc2');
      const auto octet = [&frame](std::size_t at) {
        return std::size_t{static_cast<unsigned char>(frame[at])};
      };
      std::size_t length = octet(1);
      std::size_t head = 2;
      if (length >= 126) {
        head = length == 126 ? 4 : 10;
        length = 0;
        for (std::size_t at = 2; at < head; ++at) {
          length = length << 8 | octet(at);
        }
      }
      REQUIRE(head == server_head_bytes(length));
      REQUIRE(head + length == frame.size());
      REQUIRE(zlib_inflate(frame.substr(head), bits) == payload);
    }
    const std::string random = noise(1000);
    REQUIRE(write(writer, MessageKind::text, random) == "\x81\x7e\x03\xe8" + random);
  }
}

TEST_CASE("robustness 67: nothing is compressed that was not agreed on", "[ws]") {
  DeflatePool pool;
  const MessageWriter writer(pool, {}, 100);
  REQUIRE(!writer.compresses(1000));
  REQUIRE(write(writer, MessageKind::text, prose(1000)) == "\x81\x7e\x03\xe8" + prose(1000));
  REQUIRE(pool.compressed_count() == 0);
}

TEST_CASE("write_ping, write_pong: as long as they may be", "[ws]") {
  ByteBuffer out;
  write_ping(out, "");
  write_pong(out, "abc");
  write_pong(out, std::string(125, 'x'));
  REQUIRE(out.view() == "\x89\x00\x8a\x03"s + "abc\x8a\x7d" + std::string(125, 'x'));
}

TEST_CASE("write_close: codes and reasons", "[ws]") {
  REQUIRE(write_close(1000, "") == "\x88\x02\x03\xe8");
  REQUIRE(write_close(1011, "why") == "\x88\x05\x03\xf3why");
  REQUIRE(write_close(close_no_status, "") == "\x88\x00"s);
  REQUIRE(write_close(4999, std::string(123, 'r')) == "\x88\x7d\x13\x87" + std::string(123, 'r'));
  REQUIRE(write_close(1000, std::string(124, 'r')) == "\x88\x7d\x03\xe8" + std::string(123, 'r'));
}

TEST_CASE("write_close: a long reason is cut between two characters", "[ws]") {
  for (const std::string character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8e\xba"}) {
    for (std::size_t before = 0; before < 8; ++before) {
      std::string reason(before, 'a');
      while (reason.size() <= 200) {
        reason += character;
      }
      const std::string frame = write_close(1000, reason);
      const std::string written = frame.substr(4);
      REQUIRE(written.size() <= 123);
      REQUIRE(written.size() + character.size() > 123);
      REQUIRE((written.size() - before) % character.size() == 0);
      REQUIRE(reason.compare(0, written.size(), written) == 0);
    }
  }
}
