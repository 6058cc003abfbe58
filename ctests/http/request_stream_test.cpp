// Requests one behind the other, and what the parser says of itself: robustness 29, 30, 34.
#include <string>
#include <vector>

#include "http/transcript.hpp"

using ringhorn::http::check;
using ringhorn::http::default_limits;
using ringhorn::http::Limits;
using ringhorn::http::request;
using ringhorn::http::RequestParser;

using Event = RequestParser::Event;

TEST_CASE("robustness 34: pipelined requests come out in their order", "[http]") {
  check("mixed",
        request("GET /1 HTTP/1.1") + request("POST /2 HTTP/1.1", "Content-Length: 5\r\n") +
            "hello" + request("POST /3 HTTP/1.1", "Transfer-Encoding: chunked\r\n") +
            "2\r\nab\r\n0\r\nT: u\r\n\r\n" + "\r\n" + request("HEAD /4 HTTP/1.1") +
            "GET /5 HTTP/1.0\r\n\r\n",
        "head GET /1 1.1 [host: a]\nend\n"
        "head POST /2 1.1 length=5 [host: a] [content-length: 5]\nbody hello\nend\n"
        "head POST /3 1.1 chunked [host: a] [transfer-encoding: chunked]\nbody ab\nend\n"
        "head HEAD /4 1.1 [host: a]\nend\n"
        "head GET /5 1.0 close\nend");
}

TEST_CASE("robustness 34: nothing of one request is left in the next", "[http]") {
  check("flags and fields",
        request("POST /1?q HTTP/1.1",
                "Content-Length: 1\r\nContent-Type: a/b\r\nConnection: close, upgrade\r\n"
                "Upgrade: w\r\nTE: trailers\r\nExpect: 100-continue\r\n") +
            "x" + request("GET /2 HTTP/1.1", "Content-Type: a/b\r\n") + "GET /3 HTTP/1.0\r\n\r\n",
        "head POST /1?q 1.1 length=1 close continue trailers upgrade=w [host: a] "
        "[content-length: 1] [content-type: a/b] [connection: close, upgrade] [upgrade: w] "
        "[te: trailers] [expect: 100-continue]\nbody x\nend\n"
        "head GET /2 1.1 [host: a] [content-type: a/b]\nend\n"
        "head GET /3 1.0 close\nend");
}

TEST_CASE("robustness 29: after an error nothing is read any more", "[http]") {
  const std::string next = request("GET /next HTTP/1.1");
  check("bad head", "GET / HTTP/1.1\r\nBad Name: x\r\n\r\n" + next, "error 400");
  check("bad chunk",
        request("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n") + "zz\r\n\r\n" + next,
        "head POST / 1.1 chunked [host: a] [transfer-encoding: chunked]\nerror 400");
  check("good then bad", next + "\x16\x03\x01" + next,
        "head GET /next 1.1 [host: a]\nend\nerror 400");

  RequestParser parser(default_limits);
  std::string bytes = "?";
  REQUIRE(parser.next(bytes).event == Event::error);
  std::string good = next;
  REQUIRE(parser.next(good).event == Event::error);
  REQUIRE(parser.error().status == 400);
}

TEST_CASE("robustness 30: bytes behind a bodyless request are the next request", "[http]") {
  check("garbage", request("GET / HTTP/1.1") + "hello", "head GET / 1.1 [host: a]\nend");
  check("garbage line", request("GET / HTTP/1.1") + "hello\r\n",
        "head GET / 1.1 [host: a]\nend\nerror 400");
}

TEST_CASE("RequestParser tells which timeout runs", "[http]") {
  RequestParser parser(default_limits);
  const auto feed = [&parser](std::string bytes) { return parser.next(bytes).event; };
  REQUIRE(parser.idle());
  REQUIRE(feed("\r\n") == Event::need_more);
  REQUIRE(parser.idle());
  REQUIRE(feed("\r") == Event::need_more);
  REQUIRE(parser.idle());
  REQUIRE(feed("\r\nPO") == Event::need_more);
  REQUIRE(parser.in_head());
  REQUIRE_FALSE(parser.idle());
  REQUIRE(feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n") == Event::head);
  REQUIRE(parser.in_body());
  REQUIRE_FALSE(parser.in_head());
  REQUIRE(feed("") == Event::need_more);
  REQUIRE(feed("x") == Event::body);
  REQUIRE(parser.in_body());
  REQUIRE(feed("y") == Event::body);
  REQUIRE_FALSE(parser.in_body());
  REQUIRE_FALSE(parser.idle());
  REQUIRE(feed("") == Event::end);
  REQUIRE(parser.idle());
}

TEST_CASE("RequestParser consumes the empty lines it skips while it waits", "[http]") {
  RequestParser parser(default_limits);
  std::string bytes = "\r\n\r\nGET";
  const RequestParser::Step step = parser.next(bytes);
  REQUIRE(step.event == Event::need_more);
  REQUIRE(step.consumed == 4);
}

TEST_CASE("RequestParser's views lie inside the bytes given", "[http]") {
  std::string bytes =
      "\r\nGET http://a?q HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x"
      "\r\nEmpty:\r\n\r\n";
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    RequestParser parser(default_limits);
    std::string part = bytes.substr(0, cut);
    const std::size_t consumed = parser.next(part).consumed;
    std::string rest = part.substr(consumed) + bytes.substr(cut);
    part.assign(part.size(), '?');
    REQUIRE(parser.next(rest).event == Event::head);
    const auto inside = [&rest](std::string_view view) {
      return view.data() >= rest.data() && view.data() + view.size() <= rest.data() + rest.size();
    };
    const auto& head = parser.head();
    std::vector<std::string_view> views = {head.method, head.target,    head.path,
                                           head.query,  head.authority, head.upgrade};
    for (const auto& field : head.fields) {
      views.push_back(field.name);
      views.push_back(field.value);
    }
    REQUIRE(views.size() == 14);
    for (const std::string_view view : views) {
      REQUIRE(inside(view));
    }
    REQUIRE(head.path == "/");
    REQUIRE(head.query == "q");
  }
}
