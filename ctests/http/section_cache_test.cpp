// SectionCache through RequestParser: what comes from memory is what parsing gives, and never
// somebody else's. (Every case of the other files runs with one, too: transcript.hpp.)
#include <ringhorn/http/section_cache.hpp>

#include <string>

#include "http/transcript.hpp"

using ringhorn::base::Attachment;
using ringhorn::http::default_limits;
using ringhorn::http::RequestParser;
using ringhorn::http::SectionCache;
using ringhorn::http::Transcript;

using Sender = SectionCache::Sender;

namespace {

std::string get(std::string_view fields, std::string_view line = "GET / HTTP/1.1") {
  return std::string(line) + "\r\n" + std::string(fields) + "\r\n";
}

/// What one more request of a sender is to the parser.
struct Read {
  std::string head;        ///< as Transcript describes it
  Attachment* attachment;  ///< null: parsed
};
Read read(SectionCache& sections, Sender& sender, std::string bytes) {
  RequestParser parser(default_limits);
  parser.read_from(sections, sender);
  REQUIRE(parser.next(bytes).event == RequestParser::Event::head);
  return {Transcript::describe(parser.head()), parser.head().attachment};
}

/// So many requests make the sender known.
void make_known(SectionCache& sections, Sender& sender, const std::string& bytes) {
  for (int request = 0; request < 2; ++request) {
    REQUIRE(read(sections, sender, bytes).attachment == nullptr);
  }
}

void count(void* released) {
  ++*static_cast<int*>(released);
}

}  // namespace

TEST_CASE("SectionCache knows a section from the third request on", "[http]") {
  SectionCache sections;
  Sender sender;
  const std::string bytes = get("Host: a\r\nX-Y:  Z \r\n");
  make_known(sections, sender, bytes);
  const Read third = read(sections, sender, bytes);
  REQUIRE(third.head == "head GET / 1.1 [host: a] [x-y: Z]");
  REQUIRE(third.attachment != nullptr);
  const Read other_line =
      read(sections, sender, get("Host: a\r\nX-Y:  Z \r\n", "PUT /p?q HTTP/1.1"));
  REQUIRE(other_line.head == "head PUT /p?q 1.1 [host: a] [x-y: Z]");
  REQUIRE(other_line.attachment == third.attachment);
}

TEST_CASE("SectionCache compares every byte, and as many as there are", "[http]") {
  SectionCache sections;
  Sender sender;
  make_known(sections, sender, get("Host: a\r\nX: y\r\n"));
  const struct {
    const char* fields;
    const char* expected;
  } cases[] = {
      {"Host: a\r\nX: z\r\n", "[host: a] [x: z]"},
      {"Host: b\r\nX: y\r\n", "[host: b] [x: y]"},
      {"host: a\r\nX: y\r\n", "[host: a] [x: y]"},
      {"Host: a\r\n", "[host: a]"},
      {"Host: a\r\nX: y\r\nZ: z\r\n", "[host: a] [x: y] [z: z]"},
      {"Host: a\r\nX: yy\r\n", "[host: a] [x: yy]"},
  };
  for (const auto& c : cases) {
    INFO(c.fields);
    const Read other = read(sections, sender, get(c.fields));
    REQUIRE(other.head == std::string("head GET / 1.1 ") + c.expected);
    REQUIRE(other.attachment == nullptr);
    REQUIRE(read(sections, sender, get("Host: a\r\nX: y\r\n")).attachment != nullptr);
  }
}

TEST_CASE("SectionCache keeps what a section says of the connection and the body", "[http]") {
  SectionCache sections;
  Sender sender;
  const std::string bytes =
      get("Host: a\r\nContent-Length: 3\r\nConnection: close, upgrade\r\nUpgrade: w\r\n"
          "TE: trailers\r\nExpect: 100-continue\r\n",
          "POST / HTTP/1.1");
  const Read parsed = read(sections, sender, bytes);
  read(sections, sender, bytes);
  const Read known = read(sections, sender, bytes);
  REQUIRE(known.attachment != nullptr);
  REQUIRE(known.head == parsed.head);
}

TEST_CASE("SectionCache is shared by all who send the same", "[http]") {
  SectionCache sections;
  Sender first;
  const std::string bytes = get("Host: a\r\n");
  make_known(sections, first, bytes);
  Attachment* const place = read(sections, first, bytes).attachment;
  REQUIRE(place != nullptr);
  SECTION("a newcomer is tried with the latest hit") {
    Sender second;
    REQUIRE(read(sections, second, bytes).attachment == place);
  }
  SECTION("who comes to it later finds it, and keeps its own") {
    Sender second;
    make_known(sections, second, get("Host: b\r\n"));
    REQUIRE(read(sections, second, get("Host: b\r\n")).attachment != place);
    read(sections, second, bytes);
    read(sections, second, bytes);
    REQUIRE(read(sections, second, bytes).attachment == place);
    REQUIRE(read(sections, first, bytes).attachment == place);
  }
}

TEST_CASE("SectionCache leaves alone a sender that never repeats itself", "[http]") {
  SectionCache sections;
  Sender sender;
  int wanted = 0;
  for (int request = 0; request < 1000; ++request) {
    const std::string bytes = "Host: a\r\nX: " + std::to_string(request) + "\r\n\r\n";
    REQUIRE(sections.recall(sender, bytes) == nullptr);
    wanted += sections.wants(sender, bytes) ? 1 : 0;
  }
  REQUIRE(wanted == 9);  // at 2, 4, … 512
}

TEST_CASE("SectionCache drops cookies and credentials with their connection", "[http]") {
  const struct {
    const char* field;
    bool stays;
  } cases[] = {{"Cookie: c\r\n", false},
               {"Authorization: b\r\n", false},
               {"proxy-authorization: b\r\n", false},
               {"Accept: */*\r\n", true}};
  for (const auto& c : cases) {
    INFO(c.field);
    int released = 0;
    {
      SectionCache sections;
      Sender sender;
      const std::string bytes = get("Host: a\r\n" + std::string(c.field));
      make_known(sections, sender, bytes);
      read(sections, sender, bytes).attachment->set(&released, count);
      sections.leave(sender);
      REQUIRE(released == (c.stays ? 0 : 1));
      Sender next;
      REQUIRE((read(sections, next, bytes).attachment != nullptr) == c.stays);
      sections.leave(next);
      Sender silent;
      sections.leave(silent);
    }
    REQUIRE(released == 1);
  }
}

TEST_CASE("SectionCache drops the cookies of a sender that has others now", "[http]") {
  int released = 0;
  SectionCache sections;
  Sender sender;
  const std::string before = get("Host: a\r\nCookie: before\r\n");
  make_known(sections, sender, before);
  read(sections, sender, before).attachment->set(&released, count);
  const std::string now = get("Host: a\r\nCookie: now\r\n");
  make_known(sections, sender, now);
  REQUIRE(released == 1);
  REQUIRE(read(sections, sender, now).attachment != nullptr);
}

TEST_CASE("SectionCache takes no part where the request line has a say", "[http]") {
  SectionCache sections;
  Sender sender;
  make_known(sections, sender, get("Host: a\r\n"));
  REQUIRE(read(sections, sender, get("Host: a\r\n", "GET / HTTP/1.0")).attachment == nullptr);
  REQUIRE(read(sections, sender, get("Host: a\r\n", "GET http://a/ HTTP/1.1")).attachment ==
          nullptr);
  std::string wrong = get("Host: a\r\n", "GET http://b/ HTTP/1.1");
  RequestParser parser(default_limits);
  parser.read_from(sections, sender);
  REQUIRE(parser.next(wrong).event == RequestParser::Event::error);
  REQUIRE(read(sections, sender, get("Host: a\r\n")).attachment != nullptr);
}

TEST_CASE("SectionCache keeps no section that is long, torn or wrong", "[http]") {
  SectionCache sections;
  Sender sender;
  SECTION("long") {
    const std::string bytes = get("Host: a\r\nX: " + std::string(2048, 'x') + "\r\n");
    for (int request = 0; request < 20; ++request) {
      REQUIRE(read(sections, sender, bytes).attachment == nullptr);
    }
  }
  SECTION("torn") {
    for (int request = 0; request < 20; ++request) {
      std::string bytes = get("Host: a\r\nX: y\r\n");
      RequestParser parser(default_limits);
      parser.read_from(sections, sender);
      const std::span<char> all(bytes);
      REQUIRE(parser.next(all.first(30)).event == RequestParser::Event::need_more);
      REQUIRE(parser.next(all).event == RequestParser::Event::head);
      REQUIRE(parser.head().attachment == nullptr);
    }
  }
  SECTION("wrong") {
    for (int request = 0; request < 20; ++request) {
      std::string bytes = get("Host: a\r\nHost: a\r\n");
      RequestParser parser(default_limits);
      parser.read_from(sections, sender);
      REQUIRE(parser.next(bytes).event == RequestParser::Event::error);
    }
  }
}
