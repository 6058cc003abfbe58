// Request line and target: robustness 1 to 9.
#include <string>
#include <vector>

#include "http/transcript.hpp"

using ringhorn::http::check;
using ringhorn::http::Limits;
using ringhorn::http::request;
using ringhorn::http::RequestParser;
using ringhorn::http::Transcript;

namespace {

std::string with_byte(const std::string& before, int byte, const std::string& after) {
  return before + static_cast<char>(byte) + after;
}

// Requires that a request with this line is refused with 400.
void check_refused(const std::string& line) {
  check(line, request(line), "error 400");
}

}  // namespace

TEST_CASE("robustness 1: RequestParser refuses bare LF and bare CR in a head", "[http]") {
  check("LF behind the line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "error 400");
  check("LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", "error 400");
  check("LF behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", "error 400");
  check("LF behind the last field", "GET / HTTP/1.1\r\nHost: a\r\nB: c\n\n", "error 400");
  check("LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", "error 400");
  check("CR behind the line", "GET / HTTP/1.1\rHost: a\r\n\r\n", "error 400");
  check("CR in the target", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "error 400");
  check("CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nB: c\rd\r\n\r\n", "error 400");
  check("CR twice", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "error 400");
}

TEST_CASE("robustness 2: RequestParser skips a few empty lines and nothing else", "[http]") {
  const std::string get = request("GET / HTTP/1.1");
  const std::string accepted = "head GET / 1.1 [host: a]\nend";
  check("one", "\r\n" + get, accepted);
  check("four", "\r\n\r\n\r\n\r\n" + get, accepted);
  check("five", "\r\n\r\n\r\n\r\n\r\n" + get, "error 400");
  check("between requests", get + "\r\n" + get, accepted + "\n" + accepted);
  check("LF", "\n" + get, "error 400");
  check("CR", "\r" + get, "error 400");
  check("space", " " + get, "error 400");
  check("tab", "\t" + get, "error 400");
  check("NUL", std::string(1, '\0') + get, "error 400");
  check("white space line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "error 400");
}

TEST_CASE("robustness 3: RequestParser wants exactly one space between the parts", "[http]") {
  check_refused("GET  / HTTP/1.1");
  check_refused("GET /  HTTP/1.1");
  check_refused("GET\t/ HTTP/1.1");
  check_refused("GET /\tHTTP/1.1");
  check_refused("GET / HTTP1.1");
  check_refused("GET /HTTP/1.1");
  check_refused("GET HTTP/1.1");
  check_refused("GET  HTTP/1.1");
  check_refused("GET /");
  check_refused("GET / ");
  check_refused("GET");
  check_refused("GET / a HTTP/1.1");
}

TEST_CASE("robustness 4: RequestParser takes any short token as the method", "[http]") {
  check("kept as sent", request("gEt / HTTP/1.1"), "head gEt / 1.1 [host: a]\nend");
  check("odd but legal", request("M-SEARCH!#$%&'*+.^_`|~0 / HTTP/1.1"),
        "head M-SEARCH!#$%&'*+.^_`|~0 / 1.1 [host: a]\nend");
  const std::string longest(32, 'M');
  check("32 bytes", request(longest + " / HTTP/1.1"), "head " + longest + " / 1.1 [host: a]\nend");
  check_refused(longest + "M / HTTP/1.1");
  check_refused(std::string(9000, 'M').substr(0, 300) + " / HTTP/1.1");
  for (const char* line : {"G?T / HTTP/1.1", "G@T / HTTP/1.1", "G(T / HTTP/1.1", " / HTTP/1.1",
                           "G\x80T / HTTP/1.1", "\"GET\" / HTTP/1.1", "GET: / HTTP/1.1"}) {
    check_refused(line);
  }
}

TEST_CASE("robustness 5: RequestParser knows HTTP/1.0 and HTTP/1.1 only", "[http]") {
  check("1.0", "GET / HTTP/1.0\r\n\r\n", "head GET / 1.0 close\nend");
  check("1.1", request("GET / HTTP/1.1"), "head GET / 1.1 [host: a]\nend");
  for (const char* line : {"GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "GET / HTTP/3.0",
                           "GET / HTTP/9.9", "GET / HTTP/1.9"}) {
    check(line, request(line), "error 505");
  }
  check("preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "error 505");
  for (const char* line :
       {"GET / http/1.1", "GET / HTTP/01.1", "GET / HTTP/1", "GET / HTTP/1.1 ", "GET / HTTP/1.10",
        "GET / HTTP/1,1", "GET / HTTP/.1", "GET / HTTP/1.", "GET / HTTP/ 1.1", "GET / HTTP/+1.1",
        "GET / HTTP/1.1\t", "GET / HTTPS/1.1", "GET / HTTP/a.1", "GET / Http/1.1", "GET / ICY"}) {
    check_refused(line);
  }
}

TEST_CASE("robustness 6: RequestParser takes four forms of target, each where it belongs",
          "[http]") {
  check("origin", request("GET /a/b?c=d HTTP/1.1"), "head GET /a/b?c=d 1.1 [host: a]\nend");
  check("two slashes", request("GET //a@b/c HTTP/1.1"), "head GET //a@b/c 1.1 [host: a]\nend");
  check("marks in the query", request("GET /?http://b/?@ HTTP/1.1"),
        "head GET /?http://b/?@ 1.1 [host: a]\nend");
  check("empty query", request("GET /? HTTP/1.1"), "head GET / 1.1 [host: a]\nend");
  check("absolute", request("GET http://a/b?c HTTP/1.1"), "head GET /b?c 1.1 [host: a]\nend");
  check("absolute, no path", request("GET http://a HTTP/1.1"), "head GET / 1.1 [host: a]\nend");
  check("absolute, query only", request("GET HTTP://A?c HTTP/1.1"),
        "head GET /?c 1.1 [host: a]\nend");
  check("absolute, default port", request("GET http://a:80/ HTTP/1.1"),
        "head GET / 1.1 [host: a]\nend");
  check("absolute, TLS", request("GET https://a:443/ HTTP/1.1"), "head GET / 1.1 [host: a]\nend");
  check("absolute on 1.0", "GET http://b/ HTTP/1.0\r\n\r\n", "head GET / 1.0 close\nend");
  check("asterisk", request("OPTIONS * HTTP/1.1"), "head OPTIONS * 1.1 [host: a]\nend");
  check("authority", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        "head CONNECT  1.1 [host: a:443]\nend");
  for (const char* line : {"GET foo HTTP/1.1",
                           "GET @google.com HTTP/1.1",
                           "GET ! HTTP/1.1",
                           "GET * HTTP/1.1",
                           "GET ?a HTTP/1.1",
                           "OPTIONS ** HTTP/1.1",
                           "GET a:443 HTTP/1.1",
                           "CONNECT / HTTP/1.1",
                           "CONNECT a HTTP/1.1",
                           "CONNECT [::1] HTTP/1.1",
                           "CONNECT http://a/ HTTP/1.1",
                           "CONNECT u@a:443 HTTP/1.1",
                           "GET http:/// HTTP/1.1",
                           "GET http:// HTTP/1.1",
                           "GET http:a HTTP/1.1",
                           "GET ftp://a/ HTTP/1.1",
                           "GET http://u@a/ HTTP/1.1",
                           "GET http://a:b/ HTTP/1.1",
                           "GET http://b/ HTTP/1.1",
                           "GET http://a:81/ HTTP/1.1",
                           "GET https://a:80/ HTTP/1.1",
                           "GET http://a,b/ HTTP/1.1"}) {
    check_refused(line);
  }
}

TEST_CASE("robustness 6: the target's authority stands above Host", "[http]") {
  Transcript transcript;
  std::string bytes = "GET http://A.example:80/ HTTP/1.1\r\nHost: a.Example\r\n\r\n";
  transcript.read(bytes);
  REQUIRE(transcript.parser().head().authority == "A.example:80");
  REQUIRE(transcript.parser().head().target == "http://A.example:80/");
  Transcript plain;
  std::string host = request("GET / HTTP/1.1");
  plain.read(host);
  REQUIRE(plain.parser().head().authority == "a");
}

TEST_CASE("robustness 7: RequestParser refuses controls, high bytes and fragments in a target",
          "[http]") {
  for (int byte = 0; byte < 256; ++byte) {
    const bool accepted = byte > 0x20 && byte < 0x7f && byte != '#';
    const std::string path = with_byte("/before-the-byte", byte, "after");
    const std::string line = "GET " + path + " HTTP/1.1";
    const std::string text =
        byte == '?' ? "/before-the-byte?after" : path;  // describe() puts the '?' back
    check("byte " + std::to_string(byte), request(line),
          accepted ? "head GET " + text + " 1.1 [host: a]\nend" : "error 400");
  }
}

TEST_CASE("robustness 8: RequestParser leaves percent-encoding alone", "[http]") {
  check("kept", request("GET /%2F%c0%00%0d%0a%zz?%41 HTTP/1.1"),
        "head GET /%2F%c0%00%0d%0a%zz?%41 1.1 [host: a]\nend");
}

TEST_CASE("robustness 9: a request line over the limit is 414, as soon as that is certain",
          "[http]") {
  const std::string path = "/" + std::string(4095, 'p');
  Transcript four_kib;
  std::string bytes = request("GET " + path + " HTTP/1.1");
  four_kib.read(bytes);
  REQUIRE(four_kib.parser().head().path == path);

  Limits limits;
  limits.request_line_bytes_max = 40;
  const std::string fits = "GET /" + std::string(26, 'p') + " HTTP/1.1";
  REQUIRE(fits.size() == 40);
  check("at the limit", request(fits), "head GET /" + std::string(26, 'p') + " 1.1 [host: a]\nend",
        limits);
  check("one more", request("GET /p" + fits.substr(5)), "error 414", limits);
  check("no end in sight", "GET /" + std::string(60, 'p'), "error 414", limits);
  check("bad byte before the limit", "GET /\x01" + std::string(60, 'p'), "error 400", limits);
  check("bad byte behind the limit", "GET /" + std::string(60, 'p') + "\x01", "error 414", limits);
  limits.request_line_bytes_max = 2;
  check("tiny limit", request("GET / HTTP/1.1"), "error 414", limits);
}

TEST_CASE("robustness 9: no more than the limit is ever held of a request line", "[http]") {
  const Limits limits;
  Transcript transcript{limits};
  std::string bytes = "GET /";
  while (transcript.text().empty() && bytes.size() < 3 * limits.request_line_bytes_max) {
    bytes += 'p';
    transcript.read(bytes);
  }
  REQUIRE(transcript.text() == "error 414");
  REQUIRE(bytes.size() <= limits.request_line_bytes_max);
}
