// How the body of a response is framed: robustness 41, 43, 54; asgi 39, 40, 43 to 45; lesson 19.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/http/response_writer.hpp>

#include "support/catch.hpp"

using ringhorn::base::ByteBuffer;
using ringhorn::http::FieldError;
using ringhorn::http::ResponseWriter;
using ringhorn::http::Version;

namespace {

enum class Method { get, head };
enum class Pieces { whole, several };

struct Case {
  const char* name;
  Version version;
  Method method;
  int status;
  const char* length;  // the application's content-length, or null
  std::vector<std::string> body;
  Pieces pieces;
  const char* framing;   // the lines between the status line and the empty line
  const char* expected;  // the bytes behind the head
  bool keep_alive;
  bool complete;
};

constexpr Version v10 = Version::http_1_0;
constexpr Version v11 = Version::http_1_1;
constexpr Method get = Method::get;
constexpr Method head = Method::head;
constexpr Pieces whole = Pieces::whole;
constexpr Pieces several = Pieces::several;

void check(const Case& test) {
  INFO(test.name);
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, test.status, {.version = test.version, .head_only = test.method == head});
  const std::string status_line(out.view());
  if (test.length != nullptr) {
    REQUIRE(writer.add_field("Content-Length", test.length) == FieldError::none);
  }
  std::size_t size = 0;
  for (const std::string& piece : test.body) {
    size += piece.size();
  }
  writer.end_head(test.pieces == whole ? std::optional<std::uint64_t>(size) : std::nullopt);
  REQUIRE(out.view() == status_line + test.framing + "\r\n");
  out.clear();
  for (const std::string& piece : test.body) {
    if (!piece.empty()) {
      const std::uint64_t allowed = writer.frame_body(out, piece.size());
      REQUIRE(allowed <= piece.size());
      REQUIRE((allowed == 0 || writer.body_allowed()));
      out.append(piece.substr(0, allowed));
      writer.close_frame(out);
    }
  }
  REQUIRE(writer.end_body(out) == test.complete);
  REQUIRE(out.view() == test.expected);
  REQUIRE(writer.keep_alive() == test.keep_alive);
}

const char* const length_5 = "content-length: 5\r\n";
const char* const chunked = "transfer-encoding: chunked\r\n";
const char* const close_line = "connection: close\r\n";
const char* const stay = "connection: keep-alive\r\n";
const char* const length_5_stay = "content-length: 5\r\nconnection: keep-alive\r\n";

}  // namespace

TEST_CASE("asgi 40: the framing follows from version, length and pieces", "[http]") {
  const Case cases[] = {
      {"1.1 whole", v11, get, 200, nullptr, {"hello"}, whole, length_5, "hello", true, true},
      {"1.1 whole, length", v11, get, 200, "5", {"hello"}, whole, length_5, "hello", true, true},
      {"1.1 whole, empty",
       v11,
       get,
       200,
       nullptr,
       {},
       whole,
       "content-length: 0\r\n",
       "",
       true,
       true},
      {"1.1 pieces",
       v11,
       get,
       200,
       nullptr,
       {"hello", " ", "0123456789abcdef"},
       several,
       chunked,
       "5\r\nhello\r\n1\r\n \r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
       true,
       true},
      {"1.1 pieces, none", v11, get, 200, nullptr, {}, several, chunked, "0\r\n\r\n", true, true},
      {"1.1 pieces, length",
       v11,
       get,
       200,
       "5",
       {"he", "llo"},
       several,
       length_5,
       "hello",
       true,
       true},
      {"1.0 whole", v10, get, 200, nullptr, {"hello"}, whole, length_5_stay, "hello", true, true},
      {"1.0 whole, length",
       v10,
       get,
       200,
       "5",
       {"hello"},
       whole,
       length_5_stay,
       "hello",
       true,
       true},
      {"1.0 pieces",
       v10,
       get,
       200,
       nullptr,
       {"he", "llo"},
       several,
       close_line,
       "hello",
       false,
       true},
      {"1.0 pieces, length",
       v10,
       get,
       200,
       "5",
       {"he", "llo"},
       several,
       length_5_stay,
       "hello",
       true,
       true},
      {"404 whole", v11, get, 404, nullptr, {"hello"}, whole, length_5, "hello", true, true},
      {"700 whole", v11, get, 700, nullptr, {"hello"}, whole, length_5, "hello", true, true},
  };
  for (const Case& test : cases) {
    check(test);
  }
}

TEST_CASE("robustness 43: HEAD has the head of GET and no body", "[http]") {
  const Case cases[] = {
      {"length", v11, head, 200, "5", {"hello"}, whole, length_5, "", true, true},
      {"length, no body", v11, head, 200, "5", {}, whole, length_5, "", true, true},
      {"whole", v11, head, 200, nullptr, {"hello"}, whole, length_5, "", true, true},
      {"nothing known", v11, head, 200, nullptr, {}, whole, "", "", true, true},
      {"pieces", v11, head, 200, nullptr, {"he", "llo"}, several, chunked, "", true, true},
      {"pieces, length",
       v11,
       head,
       200,
       "5",
       {"he", "llo", "!"},
       several,
       length_5,
       "",
       true,
       true},
      {"1.0 whole", v10, head, 200, nullptr, {"hello"}, whole, length_5_stay, "", true, true},
      {"1.0 pieces", v10, head, 200, nullptr, {"he", "llo"}, several, stay, "", true, true},
      {"204", v11, head, 204, "5", {}, whole, "", "", true, true},
      {"304", v11, head, 304, "5", {}, whole, length_5, "", true, true},
      {"205", v11, head, 205, nullptr, {}, whole, "content-length: 0\r\n", "", true, true},
  };
  for (const Case& test : cases) {
    check(test);
  }
}

TEST_CASE("robustness 43, lesson 19: 1xx, 204, 205 and 304 have no body", "[http]") {
  const Case cases[] = {
      {"204", v11, get, 204, nullptr, {}, whole, "", "", true, true},
      {"204, body", v11, get, 204, nullptr, {"hello"}, whole, "", "", true, true},
      {"204, length", v11, get, 204, "5", {"hello"}, whole, "", "", true, true},
      {"204, pieces", v11, get, 204, nullptr, {"he", "llo"}, several, "", "", true, true},
      {"204 on 1.0", v10, get, 204, nullptr, {}, several, stay, "", true, true},
      {"304", v11, get, 304, nullptr, {}, whole, "", "", true, true},
      {"304, length", v11, get, 304, "5", {}, whole, length_5, "", true, true},
      {"304, body", v11, get, 304, "5", {"hello"}, several, length_5, "", true, true},
      {"304, pieces", v11, get, 304, nullptr, {"he"}, several, "", "", true, true},
      {"205", v11, get, 205, nullptr, {}, whole, "content-length: 0\r\n", "", true, true},
      {"205, length",
       v11,
       get,
       205,
       "5",
       {"hello"},
       several,
       "content-length: 0\r\n",
       "",
       true,
       true},
      {"100", v11, get, 100, "5", {}, whole, close_line, "", false, true},
      {"103, body", v11, get, 103, nullptr, {"x"}, several, close_line, "", false, true},
  };
  for (const Case& test : cases) {
    check(test);
  }
}

TEST_CASE("robustness 54: fewer or more bytes than declared", "[http]") {
  const Case cases[] = {
      {"short, whole", v11, get, 200, "5", {"hell"}, whole, length_5, "hell", true, false},
      {"short, pieces", v11, get, 200, "5", {"h", "e"}, several, length_5, "he", true, false},
      {"short, none", v11, get, 200, "5", {}, whole, length_5, "", true, false},
      {"long, whole", v11, get, 200, "5", {"hello!"}, whole, length_5, "hello", true, true},
      {"long, pieces",
       v11,
       get,
       200,
       "5",
       {"hel", "lo!", "x"},
       several,
       length_5,
       "hello",
       true,
       true},
      {"long, zero", v11, get, 200, "0", {"x"}, several, "content-length: 0\r\n", "", true, true},
  };
  for (const Case& test : cases) {
    check(test);
  }
}

TEST_CASE("ResponseWriter counts what it accepted", "[http]") {
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, 200, {});
  writer.add_field("content-length", "5");
  writer.end_head(std::nullopt);
  REQUIRE(writer.frame_body(out, 3) == 3);
  REQUIRE(writer.frame_body(out, 9) == 2);
  REQUIRE(writer.frame_body(out, 9) == 0);
  REQUIRE(writer.body_bytes() == 5);
  writer.begin(out, 200, {.head_only = true});
  writer.end_head(std::nullopt);
  REQUIRE(writer.frame_body(out, 7) == 0);
  REQUIRE(writer.body_bytes() == 7);
}

TEST_CASE("asgi 45: trailers need chunks, even behind a whole body", "[http]") {
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, 200, {.trailers = true});
  writer.end_head(2);
  out.clear();
  REQUIRE(writer.frame_body(out, 2) == 2);
  out.append("ok");
  writer.close_frame(out);
  REQUIRE(writer.end_body(out, "x-sum: 1\r\ny: 2\r\n"));
  REQUIRE(out.view() == "2\r\nok\r\n0\r\nx-sum: 1\r\ny: 2\r\n\r\n");
}

TEST_CASE("asgi 45: trailers are dropped where they cannot go", "[http]") {
  const auto written = [](Version version, const char* length) {
    ByteBuffer out;
    ResponseWriter writer;
    writer.begin(out, 200, {.version = version, .trailers = true});
    if (length != nullptr) {
      writer.add_field("content-length", length);
    }
    writer.end_head(2);
    out.clear();
    writer.frame_body(out, 2);
    out.append("ok");
    writer.close_frame(out);
    REQUIRE(writer.end_body(out, "x-sum: 1\r\n"));
    return std::string(out.view());
  };
  REQUIRE(written(v10, nullptr) == "ok");
  REQUIRE(written(v11, "2") == "ok");
}
