#include <string>

#include <ringhorn/base/byte_buffer.hpp>

#include "support/catch.hpp"

using ringhorn::base::ByteBuffer;

TEST_CASE("ByteBuffer gives back what was appended, in order", "[base]") {
  ByteBuffer buffer;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 37), static_cast<char>('a' + i % 26));
    buffer.append(piece);
    expected += piece;
    if (i % 3 == 0) {
      const std::size_t taken = buffer.size() / 2;
      buffer.consume(taken);
      expected.erase(0, taken);
    }
    REQUIRE(buffer.view() == expected);
  }
}

TEST_CASE("ByteBuffer holds no memory after release", "[base]") {
  ByteBuffer buffer;
  buffer.append("some bytes");
  REQUIRE(buffer.capacity() > 0);
  buffer.release();
  REQUIRE(buffer.capacity() == 0);
  REQUIRE(buffer.empty());
  buffer.append("again");
  REQUIRE(buffer.view() == "again");
}

TEST_CASE("ByteBuffer truncates what was appended last", "[base]") {
  ByteBuffer buffer;
  buffer.append("head|rest");
  buffer.consume(2);
  buffer.truncate(3);
  REQUIRE(buffer.view() == "ad|");
}

TEST_CASE("ByteBuffer moves its memory", "[base]") {
  ByteBuffer first;
  first.append("moved");
  ByteBuffer second(std::move(first));
  REQUIRE(second.view() == "moved");
  REQUIRE(first.empty());
}
