#include <ringhorn/telemetry/escape.hpp>

#include <string>

#include "support/catch.hpp"

using namespace ringhorn;
using telemetry::escaped;

namespace {

/// What escape() must do, one byte at a time.
std::string expected_of(unsigned char byte) {
  if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
    return std::string(1, static_cast<char>(byte));
  }
  const std::string digits = "0123456789abcdef";
  return std::string("\\x") + digits[byte / 16] + digits[byte % 16];
}

}  // namespace

TEST_CASE("escape makes every byte printable at every place of a word", "[telemetry]") {
  for (int value = 0; value < 256; ++value) {
    const auto byte = static_cast<unsigned char>(value);
    for (std::size_t place = 0; place < 19; ++place) {
      std::string text(19, 'a');
      text[place] = static_cast<char>(byte);
      const std::string expected =
          std::string(place, 'a') + expected_of(byte) + std::string(18 - place, 'a');
      REQUIRE(escaped(text) == expected);
    }
  }
}

TEST_CASE("escape treats two neighbours as it treats them alone", "[telemetry]") {
  for (int left = 0; left < 256; ++left) {
    for (int right = 0; right < 256; ++right) {
      std::string text = "/aa__bb/";
      text[3] = static_cast<char>(left);
      text[4] = static_cast<char>(right);
      REQUIRE(escaped(text) == "/aa" + expected_of(static_cast<unsigned char>(left)) +
                                   expected_of(static_cast<unsigned char>(right)) + "bb/");
    }
  }
}

TEST_CASE("escape handles every length", "[telemetry]") {
  for (std::size_t length = 0; length < 40; ++length) {
    std::string expected;
    for (std::size_t i = 0; i < length; ++i) {
      expected += "\\x1b";
    }
    REQUIRE(escaped(std::string(length, '\x1b')) == expected);
    REQUIRE(escaped(std::string(length, '~')) == std::string(length, '~'));
  }
}

TEST_CASE("escape appends to a buffer", "[telemetry]") {
  base::ByteBuffer out;
  out.append("peer: ");
  telemetry::escape("GET /\r\nX", out);
  CHECK(out.view() == "peer: GET /\\x0d\\x0aX");
}
