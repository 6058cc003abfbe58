// Where a body ends and whether the connection stays: robustness 19 to 22, 30, 32, 35, 42, 46.
#include <string>

#include "http/transcript.hpp"

using ringhorn::http::check;
using ringhorn::http::Limits;
using ringhorn::http::request;

namespace {

void check_answer(const std::string& fields, int status) {
  check(fields, request("POST / HTTP/1.1", fields), "error " + std::to_string(status));
}

// The head's flags as the transcript shows them, for a bodyless request with these lines.
void check_flags(const std::string& version, const std::string& fields, const std::string& flags) {
  const std::string bytes = "GET / HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n";
  ringhorn::http::Transcript transcript;
  std::string copy = bytes;
  transcript.read(copy);
  REQUIRE(transcript.text().find(" [host: a]") != std::string::npos);
  const std::string seen = transcript.text().substr(0, transcript.text().find(" [host: a]"));
  INFO(bytes);
  REQUIRE(seen == "head GET / " + version + flags);
}

}  // namespace

TEST_CASE("robustness 19: Content-Length with Transfer-Encoding is refused in any order",
          "[http]") {
  check_answer("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400);
  check_answer("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400);
  check_answer("Transfer-Encoding: chunked\r\nX: y\r\nContent-Length: 0\r\n", 400);
  check_answer("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", 400);
}

TEST_CASE("robustness 20: a second Content-Length is refused, equal or not", "[http]") {
  check_answer("Content-Length: 5\r\nContent-Length: 5\r\n", 400);
  check_answer("Content-Length: 5\r\ncontent-length: 6\r\n", 400);
  check_answer("Content-Length: 5, 5\r\n", 400);
  check_answer("Content-Length: 5,6\r\n", 400);
}

TEST_CASE("robustness 21: Content-Length is decimal digits", "[http]") {
  for (const char* value : {"+5", "-1", "-0", "0x5", "1_0", "5 5", "", "1e3", "5.0", "\xd9\xa5",
                            "5;", "\"5\"", "9223372036854775808", "18446744073709551616",
                            "99999999999999999999999999", "a", "5a", "0b1", "5\t5"}) {
    check_answer("Content-Length: " + std::string(value) + "\r\n", 400);
  }
  check("digits", request("POST / HTTP/1.1", "Content-Length: 10\r\n") + "0123456789",
        "head POST / 1.1 length=10 [host: a] [content-length: 10]\nbody 0123456789\nend");
  check("leading zeros are decimal",
        request("POST / HTTP/1.1", "Content-Length: 0010\r\n") + "0123456789",
        "head POST / 1.1 length=10 [host: a] [content-length: 0010]\nbody 0123456789"
        "\nend");
  check("zero", request("POST / HTTP/1.1", "Content-Length: 0\r\n"),
        "head POST / 1.1 length=0 [host: a] [content-length: 0]\nend");
  check("white space around", request("POST / HTTP/1.1", "Content-Length:\t 1 \r\n") + "x",
        "head POST / 1.1 length=1 [host: a] [content-length: 1]\nbody x\nend");
  check("largest", request("POST / HTTP/1.1", "Content-Length: 9223372036854775807\r\n"),
        "head POST / 1.1 length=9223372036854775807 [host: a] [content-length: "
        "9223372036854775807]");
}

TEST_CASE("robustness 21 and 32: a Content-Length above the body limit is 413 before the body",
          "[http]") {
  Limits limits;
  limits.body_bytes_max = 5;
  check("at the limit", request("POST / HTTP/1.1", "Content-Length: 5\r\n") + "12345",
        "head POST / 1.1 length=5 [host: a] [content-length: 5]\nbody 12345\nend", limits);
  check("above", request("POST / HTTP/1.1", "Content-Length: 6\r\n") + "123456", "error 413",
        limits);
  check("above, expecting",
        request("POST / HTTP/1.1", "Content-Length: 6\r\nExpect: 100-continue\r\n"), "error 413",
        limits);
}

TEST_CASE("robustness 22: Transfer-Encoding is the one token chunked", "[http]") {
  for (const char* value : {"chunked", "Chunked", "CHUNKED", "\t chunked \t"}) {
    const std::string field = "Transfer-Encoding: " + std::string(value) + "\r\n";
    std::string seen = value;
    seen = seen[0] == '\t' ? "chunked" : seen;
    check(field, request("POST / HTTP/1.1", field) + "1\r\nx\r\n0\r\n\r\n",
          "head POST / 1.1 chunked [host: a] [transfer-encoding: " + seen + "]\nbody x\nend");
  }
  for (const char* value : {"",
                            ",chunked",
                            "chunked,",
                            ", chunked",
                            "chunked, ",
                            "chunked;q=1",
                            "xchunked",
                            "chunkedx",
                            "chunked chunked",
                            "chunked, chunked",
                            "chunked, gzip",
                            "\x0b"
                            "chunked",
                            "chunked\x0c",
                            "\x0c"
                            "chunked",
                            "chunke\xc4",
                            "\"chunked\"",
                            "gzip;q=1",
                            "gzip,,chunked",
                            "gzip chunked",
                            "x-chunked",
                            "gzip, xchunked",
                            "{}"}) {
    check_answer("Transfer-Encoding: " + std::string(value) + "\r\n", 400);
  }
  check_answer(std::string("Transfer-Encoding: chunked\0\r\n", 29), 400);
  for (const char* value : {"gzip", "gzip, chunked", "identity", "cow", "deflate,gzip, chunked"}) {
    check_answer("Transfer-Encoding: " + std::string(value) + "\r\n", 501);
  }
  check_answer("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400);
  check_answer("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 400);
  check_answer("Transfer-Encoding: identity\r\nTransfer-Encoding: identity\r\n", 400);
  check("1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "error 400");
  check("1.0, unknown", "POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n", "error 400");
}

TEST_CASE("robustness 30: no body fields mean no body, for every method", "[http]") {
  for (const std::string method : {"GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "TRACE"}) {
    const std::string next = "head GET /next 1.1 [host: a]\nend";
    check(method, request(method + " / HTTP/1.1") + request("GET /next HTTP/1.1"),
          "head " + method + " / 1.1 [host: a]\nend\n" + next);
    check(
        method + " with a length",
        request(method + " / HTTP/1.1", "Content-Length: 3\r\n") + "GET" +
            request("GET /next HTTP/1.1"),
        "head " + method + " / 1.1 length=3 [host: a] [content-length: 3]\nbody GET\nend\n" + next);
    check(method + " chunked",
          request(method + " / HTTP/1.1", "Transfer-Encoding: chunked\r\n") +
              "3\r\nGET\r\n0\r\n\r\n" + request("GET /next HTTP/1.1"),
          "head " + method + " / 1.1 chunked [host: a] [transfer-encoding: chunked]\nbody GET\n" +
              "end\n" + next);
  }
}

TEST_CASE("robustness 35: the connection stays by version and Connection", "[http]") {
  check_flags("1.1", "", "");
  check_flags("1.1", "Connection: close\r\n", " close");
  check_flags("1.1", "Connection: Close\r\n", " close");
  check_flags("1.1", "Connection: keep-alive\r\n", "");
  check_flags("1.1", "Connection: keep-alive, close\r\n", " close");
  check_flags("1.1", "Connection: close\r\nConnection: keep-alive\r\n", " close");
  check_flags("1.1", "Connection: x,,\t close ,y\r\n", " close");
  check_flags("1.1", "Connection: closed\r\n", "");
  check_flags("1.1", "Connection: \r\n", "");
  check_flags("1.1", "Connection-x: close\r\n", "");
  check_flags("1.0", "", " close");
  check_flags("1.0", "Connection: keep-alive\r\n", "");
  check_flags("1.0", "Connection: Keep-Alive\r\n", "");
  check_flags("1.0", "Connection: keep-alive\r\nConnection: close\r\n", " close");
  check_flags("1.0", "Keep-Alive: 5\r\n", " close");
}

TEST_CASE("robustness 42: only 100-continue is expected, and only on HTTP/1.1", "[http]") {
  check_flags("1.1", "Content-Length: 1\r\nExpect: 100-continue\r\n", " length=1 continue");
  check_flags("1.1", "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n", " chunked continue");
  check_flags("1.1", "Expect: 100-continue\r\n", "");
  check_flags("1.1", "Connection: close\r\nExpect: 100-continue\r\n", " close");
  check_flags("1.0", "Content-Length: 1\r\nExpect: 100-continue\r\n", " length=1 close");
  for (const char* value : {"", "100-continues", "200-ok", "100-continue, x", "100-continue;q=1"}) {
    check_answer("Content-Length: 1\r\nExpect: " + std::string(value) + "\r\n", 417);
  }
  check_answer("Content-Length: x\r\nExpect: cake\r\n", 400);
}

TEST_CASE("robustness 46: an upgrade is wanted by both fields on HTTP/1.1", "[http]") {
  check_flags("1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", " upgrade=websocket");
  check_flags("1.1", "Upgrade: h2c\r\nConnection: keep-alive, upgrade\r\n", " upgrade=h2c");
  check_flags("1.1", "Upgrade: websocket\r\n", "");
  check_flags("1.1", "Connection: upgrade\r\n", "");
  check_flags("1.0", "Connection: upgrade, keep-alive\r\nUpgrade: websocket\r\n", "");
}

TEST_CASE("asgi 45: TE: trailers is noted", "[http]") {
  check_flags("1.1", "TE: trailers\r\n", " trailers");
  check_flags("1.1", "TE: deflate;q=0.5, Trailers\r\n", " trailers");
  check_flags("1.1", "TE: gzip\r\n", "");
  check_flags("1.1", "TE: trailersx\r\n", "");
}
