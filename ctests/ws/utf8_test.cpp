// UTF-8 (RFC 3629), whole and in pieces: robustness 63.
#include <ringhorn/ws/utf8.hpp>

#include <string>

#include "support/catch.hpp"
#include "support/guard_page.hpp"

using ringhorn::ws::is_utf8;
using ringhorn::ws::Utf8Validator;

namespace {

// By arithmetic and not by table: RFC 3629 §3.
std::string encode(std::uint32_t point, int size) {
  std::string bytes;
  for (int i = 1; i < size; ++i) {
    bytes.insert(bytes.begin(), static_cast<char>(0x80 | (point & 0x3F)));
    point >>= 6;
  }
  const unsigned marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
  bytes.insert(bytes.begin(), static_cast<char>(marks[size] | point));
  return bytes;
}

bool allowed(std::uint32_t point, int size) {
  const std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  return point >= least[size] && point <= 0x10FFFF && !(point >= 0xD800 && point <= 0xDFFF);
}

// Fed in one piece, byte by byte, and in two at every place; amid ASCII that fills whole words.
void check(const std::string& bytes, bool expected) {
  static_assert(sizeof(Utf8Validator) <= 2);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Utf8Validator validator;
    const bool fed = validator.feed(std::string_view(bytes).substr(0, cut)) &&
                     validator.feed(std::string_view(bytes).substr(cut));
    INFO("cut at " << cut);
    REQUIRE((fed && validator.complete()) == expected);
  }
  Utf8Validator validator;
  bool fed = true;
  for (const char& byte : bytes) {
    fed = fed && validator.feed({&byte, 1});
  }
  REQUIRE((fed && validator.complete()) == expected);
}

}  // namespace

TEST_CASE("Utf8Validator: every code point in every length", "[ws]") {
  std::size_t count = 0;
  const auto check_quickly = [&count](std::uint32_t point, int size) {
    const bool valid = is_utf8(encode(point, size));
    count += valid ? 1 : 0;
    if (valid != allowed(point, size)) {
      FAIL(point << " in " << size << " bytes");
    }
  };
  for (std::uint32_t point = 0; point < 0x80; ++point) {
    REQUIRE(is_utf8(std::string(1, static_cast<char>(point))));
  }
  for (std::uint32_t point = 0; point < 0x800; ++point) {
    check_quickly(point, 2);
  }
  for (std::uint32_t point = 0; point < 0x10000; ++point) {
    check_quickly(point, 3);
  }
  for (std::uint32_t point = 0; point < 0x200000; ++point) {
    check_quickly(point, 4);
  }
  REQUIRE(count == 0x110000 - 0x800 - 0x80);
}

TEST_CASE("Utf8Validator: every pair of bytes, and every byte behind an open character", "[ws]") {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      const bool ascii = first < 0x80 && second < 0x80;
      const bool pair = first >= 0xC2 && first <= 0xDF && second >= 0x80 && second <= 0xBF;
      const std::string bytes{static_cast<char>(first), static_cast<char>(second)};
      if (is_utf8(bytes) != (ascii || pair)) {
        FAIL(first << " " << second);
      }
    }
  }
  for (const char* open : {"\xc2", "\xe1", "\xe1\x80", "\xf1", "\xf1\x80", "\xf1\x80\x80"}) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      Utf8Validator validator;
      REQUIRE(validator.feed(open));
      REQUIRE(!validator.complete());
      const char next = static_cast<char>(byte);
      REQUIRE(validator.feed({&next, 1}) == (byte >= 0x80 && byte <= 0xBF));
    }
  }
}

TEST_CASE("Utf8Validator: cut anywhere, amid ASCII of any length", "[ws]") {
  const char* const good[] = {"\xc2\x80",     "\xdf\xbf",         "\xe0\xa0\x80",
                              "\xed\x9f\xbf", "\xee\x80\x80",     "\xef\xbf\xbf",
                              "\xef\xbf\xbe", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
  const char* const wrong[] = {"\x80",
                               "\xbf",
                               "\xc0\x80",
                               "\xc1\xbf",
                               "\xc2",
                               "\xc2\xc2\x80",
                               "\xe0\x9f\xbf",
                               "\xe0\x80\xaf",
                               "\xed\xa0\x80",
                               "\xed\xbf\xbf",
                               "\xe1\x80",
                               "\xf0\x8f\xbf\xbf",
                               "\xf0\x80\x80\xaf",
                               "\xf4\x90\x80\x80",
                               "\xf5\x80\x80\x80",
                               "\xf8\x88\x80\x80\x80",
                               "\xfc\x84\x80\x80",
                               "\xfe",
                               "\xff",
                               "\xf0\x90\x80"};
  for (std::size_t before = 0; before <= 40; ++before) {
    const std::string ascii(before, 'a');
    for (const char* character : good) {
      check(ascii + character, true);
      check(ascii + character + ascii, true);
      check(ascii + character + character + "\xce\xba", true);
    }
    for (const char* character : wrong) {
      check(ascii + character, false);
      check(ascii + character + ascii + "b", false);
      check("\xce\xba" + ascii + character, false);
    }
  }
}

TEST_CASE("Utf8Validator: refuses at the byte that no other can mend", "[ws]") {
  struct Case {
    const char* bytes;
    std::size_t good;  // so many can still go on
  };
  for (const Case& c :
       {Case{"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80", 12},
        Case{"\xce\xba\xed\xa0\x80", 3}, Case{"\xe0\x80\x80", 1}, Case{"\xf0\x8f", 1},
        Case{"a\xc0", 1}, Case{"abc\x80", 3}, Case{"\xf0\x90\x80\xc0", 3}}) {
    Utf8Validator validator;
    const std::string_view bytes(c.bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      INFO(c.bytes << " at " << i);
      const bool good = validator.feed(bytes.substr(i, 1));
      REQUIRE(good == (i < c.good));
      if (!good) {
        break;
      }
    }
  }
}

TEST_CASE("Utf8Validator: stays refused, and starts again", "[ws]") {
  Utf8Validator validator;
  REQUIRE(!validator.feed("\xff"));
  REQUIRE(!validator.feed("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
  validator.reset();
  REQUIRE(validator.feed("a"));
  REQUIRE(validator.complete());
}

TEST_CASE("Utf8Validator: knows whether all was ASCII", "[ws]") {
  for (std::size_t before = 0; before <= 40; ++before) {
    for (std::size_t after = 0; after <= 40; ++after) {
      Utf8Validator validator;
      REQUIRE(validator.feed(std::string(before, 'a')));
      REQUIRE(validator.ascii());
      REQUIRE(validator.feed("\xc3\xa9" + std::string(after, 'a')));
      REQUIRE(!validator.ascii());
      REQUIRE(validator.feed(std::string(after, 'a')));
      REQUIRE(!validator.ascii());
    }
  }
}

TEST_CASE("Utf8Validator: reads nothing behind the end", "[ws]") {
  ringhorn::support::GuardedBytes memory(128);
  for (std::size_t size = 0; size <= 100; ++size) {
    const std::span<char> bytes = memory.place(std::string(size, 'a'));
    REQUIRE(is_utf8({bytes.data(), bytes.size()}));
    std::string text;
    while (text.size() + 2 <= size) {
      text += "\xc3\xa9";
    }
    const std::span<char> others = memory.place(text);
    REQUIRE(is_utf8({others.data(), others.size()}));
  }
}
