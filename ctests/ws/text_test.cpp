// UTF-8 of messages over fragments and reads: robustness 63; group 6 of Autobahn.
#include <string>

#include "ws/frames.hpp"

using namespace ringhorn::ws;

namespace {

const std::string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

// The end of what `bytes` leads to, fed one by one: how many were needed for the error.
std::size_t bytes_until_error(const std::string& bytes) {
  DeflatePool pool;
  Transcript transcript({}, pool);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    char byte = bytes[at];
    transcript.read({&byte, 1});
    if (transcript.text() == "error 1007") {
      return at + 1;
    }
    REQUIRE(transcript.text().empty());
  }
  return 0;
}

}  // namespace

TEST_CASE("robustness 63: characters of two, three and four bytes, cut by frames anywhere",
          "[ws]") {
  const std::string payload = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xba z";
  for (std::size_t first = 0; first <= payload.size(); ++first) {
    for (std::size_t second = first; second <= payload.size(); ++second) {
      check("two cuts",
            text(payload.substr(0, first), more) +
                continuation(payload.substr(first, second - first), more) + ping("\xff") +
                continuation(payload.substr(second)),
            "ping \xff\ntext~ " + payload);
    }
  }
}

TEST_CASE("robustness 63: text that is not UTF-8 ends in 1007", "[ws]") {
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf7\xbf\xbf\xbf", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff",
        "\xce\xce\xba", "\xe1\xbd", "\xf0\x9f\x8e"}) {
    const std::string payload = kosme + bad + "edited";
    check("whole", text(payload), "error 1007");
    check("in fragments", text(kosme, more) + continuation(bad, more) + continuation("edited"),
          "error 1007");
    check("as binary", binary(payload), "binary " + payload);
  }
  for (const char* open : {"\xce", "\xe1", "\xe1\xbd", "\xf0", "\xf0\x9f", "\xf0\x9f\x8e"}) {
    check("the end is missing", text(kosme + open), "error 1007");
    check("the end is missing, in fragments", text(kosme, more) + continuation(open), "error 1007");
    check("an empty last frame does not help", text(kosme + open, more) + continuation(""),
          "error 1007");
  }
}

TEST_CASE("robustness 63: bad text fails at its byte, not at the end of frame or message", "[ws]") {
  const std::string bad = kosme + "\xf4\x90\x80\x80" + "edited";
  const std::size_t head_bytes = 6;
  REQUIRE(bytes_until_error(text(bad)) == head_bytes + kosme.size() + 2);
  REQUIRE(bytes_until_error(text(kosme, more) + continuation("\xf4\x90\x80\x80", more)) ==
          2 * head_bytes + kosme.size() + 2);
  REQUIRE(bytes_until_error(text(kosme + "\xf4", more) + continuation("\x90")) ==
          2 * head_bytes + kosme.size() + 2);
}

TEST_CASE("MessageReader tells ASCII from other text, over fragments", "[ws]") {
  check("ASCII", text("plain", more) + continuation(" text"), "text plain text");
  check("not at the end", text("plain", more) + continuation(" t\xc3\xa9xt"),
        "text~ plain t\xc3\xa9xt");
  check("not in the beginning", text("pl\xc3\xa4in", more) + continuation(" text"),
        "text~ pl\xc3\xa4in text");
  check("anew for each message", text("\xc3\xa4") + text("a"), "text~ \xc3\xa4\ntext a");
}
