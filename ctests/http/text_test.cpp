// The small functions beside the writer: dates, tokens, percent-encoding. robustness 8, 44
#include <ctime>
#include <string>

#include <ringhorn/http/response_writer.hpp>

#include "support/catch.hpp"
#include "support/guard_page.hpp"

using ringhorn::base::ByteBuffer;
using ringhorn::http::is_field_value;
using ringhorn::http::is_token;
using ringhorn::http::percent_decode;
using ringhorn::http::write_date;

namespace {

std::string date(std::int64_t seconds) {
  char text[30];
  text[29] = '!';
  write_date(text, seconds);
  REQUIRE(text[29] == '!');
  return {text, 29};
}

std::string decoded(std::string_view text) {
  ringhorn::support::GuardedBytes guarded(text.size() + 1);
  const auto placed = guarded.place(text);
  ByteBuffer out;
  percent_decode({placed.data(), placed.size()}, out);
  return std::string(out.view());
}

}  // namespace

TEST_CASE("robustness 44: write_date agrees with the C library", "[http]") {
  REQUIRE(date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  REQUIRE(date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  REQUIRE(date(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  REQUIRE(date(4107542399) == "Sun, 28 Feb 2100 23:59:59 GMT");
  REQUIRE(date(4107542400) == "Mon, 01 Mar 2100 00:00:00 GMT");
  for (std::time_t seconds = 0; seconds < 8'000'000'000; seconds += 86'399 * 13) {
    std::tm parts{};
    REQUIRE(gmtime_r(&seconds, &parts) != nullptr);
    char expected[40];
    REQUIRE(std::strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 29);
    REQUIRE(date(seconds) == expected);
  }
}

TEST_CASE("robustness 82: write_date stands any clock", "[http]") {
  REQUIRE(date(-1) == date(0));
  REQUIRE(date(INT64_MIN) == date(0));
  REQUIRE(date(253402300799) == "Fri, 31 Dec 9999 23:59:59 GMT");
  REQUIRE(date(INT64_MAX) == date(253402300799));
}

TEST_CASE("robustness 8: percent_decode takes off what is whole and keeps the rest", "[http]") {
  REQUIRE(decoded("") == "");
  REQUIRE(decoded("/plain") == "/plain");
  REQUIRE(decoded("/%41%6a%6A") == "/Ajj");
  REQUIRE(decoded("%2F%c0%0d%0A") == "/\xc0\r\n");
  REQUIRE(decoded("a%00b") == std::string("a\0b", 3));
  REQUIRE(decoded("%") == "%");
  REQUIRE(decoded("%4") == "%4");
  REQUIRE(decoded("%zz%4g%g4") == "%zz%4g%g4");
  REQUIRE(decoded("%%41%2541") == "%A%41");
  REQUIRE(decoded("a+b") == "a+b");
}

TEST_CASE("percent_decode appends", "[http]") {
  ByteBuffer out;
  out.append("before ");
  percent_decode("%41", out);
  REQUIRE(out.view() == "before A");
}

TEST_CASE("is_token and is_field_value draw the lines of RFC 9110", "[http]") {
  REQUIRE(is_token("x-name_1!"));
  for (const char* text : {"", "a b", "a:", "\x80", "a\r", "(a)", "a\t"}) {
    REQUIRE_FALSE(is_token(text));
  }
  REQUIRE(is_field_value(""));
  REQUIRE(is_field_value("a\tb \x80\xff, more than sixteen bytes of it"));
  REQUIRE_FALSE(is_field_value(std::string_view("\0", 1)));
  for (const char* text : {"a\r", "\n", "more than sixteen bytes of it\x7f", "\x01", "\x1f"}) {
    REQUIRE_FALSE(is_field_value(text));
  }
}
