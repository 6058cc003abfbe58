#include "../../src/net/request_body.hpp"

#include <string>

#include "support/catch.hpp"

namespace ringhorn::net {
namespace {

/// A parser and a body behind the head of `text`; `rest` is what follows it.
struct Opened {
  explicit Opened(std::string request) : text(std::move(request)) {
    rest = {text.data(), text.size()};
    const http::RequestParser::Step step = parser.next(rest);
    REQUIRE(step.event == http::RequestParser::Event::head);
    rest = rest.subspan(step.consumed);
    body.open(parser.head());
  }
  RequestBody::Progress gather(std::size_t held_bytes_max = 65536) {
    return body.gather(parser, rest, held_bytes_max);
  }
  http::Limits limits;
  http::RequestParser parser{limits};
  std::string text;
  std::span<char> rest;
  RequestBody body;
};

std::string text_of(const RequestBody::Taken& taken) {
  std::string text;
  for (const std::string_view piece : taken.pieces) {
    text += piece;
  }
  CHECK(text.size() == taken.size);
  return text;
}

const std::string chunked_head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";

TEST_CASE("RequestBody without a body is ready with its end", "[net]") {
  Opened opened("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  CHECK(opened.body.ended());
  CHECK(opened.body.complete());
  REQUIRE(opened.body.ready());
  const RequestBody::Taken taken = opened.body.take();
  CHECK(taken.pieces.empty());
  CHECK_FALSE(taken.more);
  CHECK_FALSE(opened.body.ready());
}

TEST_CASE("RequestBody gives the chunks of one buffer as one view (robustness 26)", "[net]") {
  std::string request = chunked_head;
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    request += "1;a=b\r\n" + std::string(1, static_cast<char>('a' + i % 26)) + "\r\n";
    expected += static_cast<char>('a' + i % 26);
  }
  Opened opened(request + "0\r\n\r\nGET");
  CHECK(opened.gather() == RequestBody::Progress::ended);
  const RequestBody::Taken taken = opened.body.take();
  CHECK(text_of(taken) == expected);
  CHECK_FALSE(taken.more);
  // No copy: the view lies inside the bytes that were received.
  REQUIRE(taken.pieces.size() == 1);
  CHECK(taken.pieces[0].data() >= opened.text.data());
  CHECK(taken.pieces[0].data() < opened.text.data() + opened.text.size());
  CHECK(std::string_view(opened.rest.data(), opened.rest.size()) == "GET");
}

TEST_CASE("RequestBody gives large chunks where they lie", "[net]") {
  const std::string chunk(3000, 'x');
  Opened opened(chunked_head + "bb8\r\n" + chunk + "\r\nbb8\r\n" + chunk + "\r\n0\r\n\r\n");
  CHECK(opened.gather() == RequestBody::Progress::ended);
  const RequestBody::Taken taken = opened.body.take();
  CHECK(text_of(taken) == chunk + chunk);
  REQUIRE(taken.pieces.size() == 2);
  CHECK(taken.pieces[1].data() > taken.pieces[0].data() + chunk.size());
}

TEST_CASE("RequestBody keeps what was not taken, in order", "[net]") {
  Opened opened(chunked_head + "3\r\nabc\r\n");
  CHECK(opened.gather() == RequestBody::Progress::starved);
  opened.body.keep();
  CHECK(opened.body.held() == 3);
  std::string more = "2\r\nde\r\n";
  opened.rest = {more.data(), more.size()};
  CHECK(opened.gather() == RequestBody::Progress::starved);
  const RequestBody::Taken first = opened.body.take();
  CHECK(text_of(first) == "abcde");
  CHECK(first.more);
  CHECK_FALSE(opened.body.ready());
  std::string end = "0\r\n\r\n";
  opened.rest = {end.data(), end.size()};
  CHECK(opened.gather() == RequestBody::Progress::ended);
  CHECK_FALSE(opened.body.complete());
  REQUIRE(opened.body.ready());
  CHECK_FALSE(opened.body.take().more);
  CHECK(opened.body.complete());
}

TEST_CASE("RequestBody stops when it is full and goes on when it is taken", "[net]") {
  Opened opened("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc");
  CHECK(opened.gather(2) == RequestBody::Progress::full);
  opened.body.keep();
  std::string more = "def";
  opened.rest = {more.data(), more.size()};
  CHECK(opened.gather(2) == RequestBody::Progress::full);
  CHECK(opened.rest.size() == 3);
  CHECK(text_of(opened.body.take()) == "abc");
  CHECK(opened.gather(4) == RequestBody::Progress::ended);
  const RequestBody::Taken taken = opened.body.take();
  CHECK(text_of(taken) == "def");
  CHECK_FALSE(taken.more);
}

TEST_CASE("RequestBody of a declared length knows what is missing", "[net]") {
  Opened opened("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabcd");
  CHECK(opened.body.left() == 10);
  CHECK(opened.gather() == RequestBody::Progress::starved);
  CHECK(opened.body.left() == 6);
  CHECK(opened.body.begun());
  opened.body.close();
  CHECK(opened.body.held() == 0);
}

TEST_CASE("RequestBody reports a broken chunk (robustness 29)", "[net]") {
  Opened opened(chunked_head + "3\r\nabcX\r\n");
  CHECK(opened.gather() == RequestBody::Progress::failed);
  CHECK(opened.parser.error().status == 400);
}

}  // namespace
}  // namespace ringhorn::net
