// Masks, heads and close codes.
#include <ringhorn/ws/frame.hpp>

#include <cstring>
#include <string>

#include "support/catch.hpp"
#include "support/guard_page.hpp"

using namespace std::string_literals;
using ringhorn::ws::apply_mask;
using ringhorn::ws::Compression;
using ringhorn::ws::Mask;
using ringhorn::ws::may_be_sent;
using ringhorn::ws::Opcode;
using ringhorn::ws::server_head_bytes;
using ringhorn::ws::write_frame_head;

namespace {

Mask mask_of(const char (&bytes)[5]) {
  Mask mask;
  std::memcpy(&mask, bytes, sizeof mask);
  return mask;
}

std::string write_head(Opcode opcode, std::uint64_t size,
                       Compression compression = Compression::none) {
  ringhorn::support::GuardedBytes memory(16);
  const std::span<char> room = memory.place(std::string(server_head_bytes(size), '?'));
  REQUIRE(write_frame_head(room.data(), opcode, size, compression) == room.size());
  return {room.data(), room.size()};
}

}  // namespace

TEST_CASE("apply_mask: every size, at every place, is what single bytes would be", "[ws]") {
  const char key[] = "\x37\xfa\x21\x3d";
  ringhorn::support::GuardedBytes memory(128);
  for (std::size_t size = 0; size <= 70; ++size) {
    for (std::size_t shift = 0; shift < 8; ++shift) {
      std::string bytes(shift + size, 'x');
      std::string expected = bytes;
      for (std::size_t i = 0; i < size; ++i) {
        bytes[shift + i] = expected[shift + i] = static_cast<char>(i * 7);
        expected[shift + i] = static_cast<char>(expected[shift + i] ^ key[i % 4]);
      }
      const std::span<char> placed = memory.place(bytes);
      apply_mask(placed.data() + shift, size, mask_of(key));
      REQUIRE(std::string(placed.data(), placed.size()) == expected);
    }
  }
}

TEST_CASE("apply_mask: a payload may be done in pieces", "[ws]") {
  std::string whole(40, '\0');
  apply_mask(whole.data(), whole.size(), mask_of("abcd"));
  REQUIRE(whole.substr(0, 9) == "abcdabcda");
  for (std::size_t first = 0; first <= whole.size(); ++first) {
    for (std::size_t second = first; second <= whole.size(); ++second) {
      std::string bytes(whole.size(), '\0');
      Mask mask = apply_mask(bytes.data(), first, mask_of("abcd"));
      mask = apply_mask(bytes.data() + first, second - first, mask);
      apply_mask(bytes.data() + second, bytes.size() - second, mask);
      REQUIRE(bytes == whole);
    }
  }
}

TEST_CASE("write_frame_head: lengths have the fewest bytes", "[ws]") {
  REQUIRE(write_head(Opcode::text, 0) == "\x81\x00"s);
  REQUIRE(write_head(Opcode::binary, 125) == "\x82\x7d");
  REQUIRE(write_head(Opcode::binary, 126) == "\x82\x7e\x00\x7e"s);
  REQUIRE(write_head(Opcode::text, 65535) == "\x81\x7e\xff\xff");
  REQUIRE(write_head(Opcode::text, 65536) == "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
  REQUIRE(write_head(Opcode::text, 0x0102030405060708) ==
          "\x81\x7f\x01\x02\x03\x04\x05\x06\x07\x08");
  REQUIRE(write_head(Opcode::ping, 3) == "\x89\x03");
  REQUIRE(write_head(Opcode::text, 7, Compression::deflated) == "\xc1\x07");
}

TEST_CASE("robustness 63: which close codes may be sent", "[ws]") {
  for (const unsigned code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                              1014, 3000, 3999, 4000, 4999}) {
    INFO(code);
    REQUIRE(may_be_sent(code));
  }
  for (const unsigned code :
       {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535, 70000}) {
    INFO(code);
    REQUIRE(!may_be_sent(code));
  }
}
