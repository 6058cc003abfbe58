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

namespace {

// A reader of responses that shares no code with the writer: what a strict client sees.
struct Seen {
  int lengths = 0;
  int codings = 0;
  std::uint64_t length = 0;
  bool close = false;
  std::string body;       // without its framing
  bool complete = false;  // the framing says that it is whole
};

Seen read_response(const std::string& bytes, bool bodyless) {
  Seen seen;
  const std::string::size_type end = bytes.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  for (std::string::size_type at = bytes.find("\r\n"); at != end;) {
    const std::string::size_type next = bytes.find("\r\n", at + 2);
    const std::string line = bytes.substr(at + 2, next - at - 2);
    if (line.rfind("content-length: ", 0) == 0) {
      ++seen.lengths;
      seen.length = std::stoull(line.substr(16));
    }
    seen.codings += line == "transfer-encoding: chunked" ? 1 : 0;
    seen.close = seen.close || line == "connection: close";
    at = next;
  }
  std::string rest = bytes.substr(end + 4);
  if (bodyless || seen.codings == 0) {
    seen.body = rest;
    seen.complete = bodyless || seen.lengths == 0 || rest.size() == seen.length;
    return seen;
  }
  while (!seen.complete) {
    std::size_t digits = 0;
    const std::size_t size = std::stoul(rest, &digits, 16);
    REQUIRE(rest.substr(digits, 2) == "\r\n");
    seen.body += rest.substr(digits + 2, size);
    REQUIRE(rest.substr(digits + 2 + size, 2) == "\r\n");
    rest.erase(0, digits + 4 + size);
    seen.complete = size == 0;
  }
  REQUIRE(rest.empty());
  return seen;
}

struct Combination {
  Version version;
  Method method;
  int status;
  int declared;  // against the real size of the body; `undeclared` for none
  Pieces pieces;
};
constexpr int undeclared = 99;
const std::string content = "some body";

void check_combination(const Combination& test) {
  CAPTURE(test.version == v10, test.method == head, test.status, test.declared,
          test.pieces == whole);
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, test.status, {.version = test.version, .head_only = test.method == head});
  const auto declared =
      static_cast<std::uint64_t>(static_cast<int>(content.size()) + test.declared);
  if (test.declared != undeclared) {
    REQUIRE(writer.add_field("content-length", std::to_string(declared)) == FieldError::none);
  }
  writer.end_head(test.pieces == whole ? std::optional<std::uint64_t>(content.size())
                                       : std::nullopt);
  const std::size_t step = test.pieces == whole ? content.size() : 4;
  for (std::size_t at = 0; at < content.size(); at += step) {
    const std::string piece = content.substr(at, step);
    out.append(piece.substr(0, writer.frame_body(out, piece.size())));
    writer.close_frame(out);
  }
  const bool told_whole = writer.end_body(out);

  const int status = test.status;
  const bool no_content = status < 200 || status == 204 || status == 205 || status == 304;
  const bool bodyless = no_content || test.method == head;
  const Seen seen = read_response(std::string(out.view()), bodyless);
  REQUIRE(seen.lengths + seen.codings <= 1);
  REQUIRE(seen.close == !writer.keep_alive());
  REQUIRE(seen.complete == told_whole);
  if (status < 200 || status == 204) {
    REQUIRE(seen.lengths + seen.codings == 0);
  }
  if (status == 205) {
    REQUIRE((seen.lengths == 1 && seen.length == 0));
  } else if (seen.lengths == 1) {
    REQUIRE(seen.length == (test.declared != undeclared ? declared : content.size()));
  }
  if (test.version == v10) {
    REQUIRE(seen.codings == 0);
  }
  if (bodyless) {
    REQUIRE(seen.body.empty());
    return;
  }
  REQUIRE(seen.body == content.substr(0, test.declared < 0 ? declared : content.size()));
  if (seen.lengths + seen.codings == 0) {
    REQUIRE_FALSE(writer.keep_alive());
  }
}

}  // namespace

TEST_CASE("robustness 43 and 54, asgi 40: every combination is framed unambiguously", "[http]") {
  for (const Version version : {v10, v11}) {
    for (const Method method : {get, head}) {
      for (const int status : {100, 101, 199, 200, 201, 204, 205, 206, 299, 304, 404, 500, 999}) {
        for (const int declared : {undeclared, 0, -1, -9, 1, 50}) {
          for (const Pieces pieces : {whole, several}) {
            check_combination({version, method, status, declared, pieces});
          }
        }
      }
    }
  }
}
