// The opening handshake: robustness 61; RFC 6455 §4.2, RFC 7692 §7.
#include <ringhorn/ws/handshake.hpp>

#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using ringhorn::ws::accept_value;
using ringhorn::ws::Handshake;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";

// A handshake with these fields beside a good key and version.
struct Read {
  explicit Read(Fields given, Handshake::Request request = {.method = "GET"})
      : fields(std::move(given)), handshake(request) {
    for (const auto& [name, value] : fields) {
      handshake.add_field(name, value);
    }
    verdict = handshake.check();
  }
  Read(const Read&) = delete;
  Fields fields;
  Handshake handshake;
  Handshake::Verdict verdict;
};

Fields good(Fields others = {}) {
  others.insert(others.begin(), {{"host", "a"},
                                 {"upgrade", "websocket"},
                                 {"sec-websocket-key", key},
                                 {"sec-websocket-version", "13"}});
  return others;
}

std::vector<std::string> subprotocols(const Fields& fields) {
  const Read read(good(fields));
  REQUIRE(read.verdict.status == 101);
  return {read.handshake.subprotocols().begin(), read.handshake.subprotocols().end()};
}

std::string answer(const std::string& extensions) {
  const Read read(good({{"sec-websocket-extensions", extensions}}));
  REQUIRE(read.verdict.status == 101);
  REQUIRE(read.handshake.extension_answer().empty() == !read.handshake.deflate().enabled);
  return read.handshake.extension_answer();
}

const std::string agreed =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

}  // namespace

TEST_CASE("Handshake: the accept value of the RFC's example", "[ws]") {
  const auto value = accept_value(key);
  REQUIRE(std::string(value.begin(), value.end()) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  REQUIRE(Read(good()).handshake.accept_value() == value);
}

TEST_CASE("Handshake: which requests want one", "[ws]") {
  for (const char* value : {"websocket", "WebSocket", "WEBSOCKET", "h2c, websocket",
                            " websocket ,x", ",websocket,", "websocket\t"}) {
    INFO(value);
    REQUIRE(Handshake::is_wanted(value));
  }
  for (const char* value : {"", "h2c", "websockets", "websocke", "web socket", "websocket/13",
                            "x websocket", ",", "\"websocket\""}) {
    INFO(value);
    REQUIRE(!Handshake::is_wanted(value));
  }
}

TEST_CASE("Handshake: a good one is accepted", "[ws]") {
  REQUIRE(Read(good()).verdict.accepted());
  REQUIRE(Read(good()).handshake.subprotocols().empty());
  REQUIRE(Read(good()).handshake.extension_answer().empty());
  // The bits of the last digit that say nothing are not looked at: RFC 6455 §1.3 has such a key.
  const Read odd(
      Fields{{"sec-websocket-key", "AQIDBAUGBwgJCgsMDQ4PEC=="}, {"sec-websocket-version", "13"}});
  REQUIRE(odd.verdict.accepted());
}

TEST_CASE("Handshake: what is refused, and how", "[ws]") {
  struct Case {
    const char* name;
    Fields fields;
    int status;
  };
  const std::pair<std::string, std::string> version{"sec-websocket-version", "13"};
  const auto with_key = [&version](const char* value) {
    return Fields{{"sec-websocket-key", value}, version};
  };
  const auto with_version = [](const char* value) {
    return Fields{{"sec-websocket-key", key}, {"sec-websocket-version", value}};
  };
  for (const Case& c : {
           Case{"no key", {version}, 400},
           Case{"two keys", good({{"sec-websocket-key", key}}), 400},
           Case{"an empty key", with_key(""), 400},
           Case{"a short key", with_key("dGhlIHNhbXBsZSBub25jZ==="), 400},
           Case{"a key of 15 bytes", with_key("dGhlIHNhbXBsZSBub25j"), 400},
           Case{"a key of 17 bytes", with_key("dGhlIHNhbXBsZSBub25jZQA="), 400},
           Case{"a long key", with_key("dGhlIHNhbXBsZSBub25jZQ==x"), 400},
           Case{"a key of other letters", with_key("dGhlIHNhbXBsZSBub25j*Q=="), 400},
           Case{"a key of bytes", with_key("dGhlIHNhbXBsZSBub25j\xff\x80=="), 400},
           Case{"a key with a space", with_key("dGhlIHNhbXBsZSBub25j Q=="), 400},
           Case{"no version", {{"sec-websocket-key", key}}, 400},
           Case{"two versions", good({version}), 400},
           Case{"version 8", with_version("8"), 426},
           Case{"version 14", with_version("14"), 426},
           Case{"version 013", with_version("013"), 426},
           Case{"a list of versions", with_version("13, 8"), 426},
           Case{"an empty version", with_version(""), 426},
           Case{"version 8 without a key", {{"sec-websocket-version", "8"}}, 426},
           Case{"a subprotocol of bytes", good({{"sec-websocket-protocol", "a\x80"}}), 400},
           Case{"a subprotocol with a space", good({{"sec-websocket-protocol", "a b"}}), 400},
           Case{"a quoted subprotocol", good({{"sec-websocket-protocol", "\"a\""}}), 400},
           Case{"a subprotocol twice", good({{"sec-websocket-protocol", "a, b, a"}}), 400},
           Case{"twice over two fields",
                good({{"sec-websocket-protocol", "a"}, {"sec-websocket-protocol", "a"}}), 400},
       }) {
    const Read read(c.fields);
    INFO(c.name);
    REQUIRE(read.verdict.status == c.status);
    REQUIRE(!std::string(read.verdict.reason).empty());
    REQUIRE(!read.verdict.accepted());
  }
  REQUIRE(Read(good(), {.method = "POST"}).verdict.status == 400);
  REQUIRE(Read(good(), {.method = "get"}).verdict.status == 400);
  REQUIRE(Read(good(), {.method = "GET", .has_body = true}).verdict.status == 400);
}

TEST_CASE("robustness 61: subprotocols are split at commas, over all fields, in order", "[ws]") {
  using List = std::vector<std::string>;
  REQUIRE(subprotocols({{"sec-websocket-protocol", "chat"}}) == List{"chat"});
  REQUIRE(subprotocols({{"sec-websocket-protocol", "b,a , c.v1\t,\td"}}) ==
          List{"b", "a", "c.v1", "d"});
  REQUIRE(subprotocols({{"sec-websocket-protocol", "b, a"}, {"sec-websocket-protocol", "c"}}) ==
          List{"b", "a", "c"});
  REQUIRE(subprotocols({{"sec-websocket-protocol", ""}}).empty());
  REQUIRE(subprotocols({{"sec-websocket-protocol", ", ,a,,"}}) == List{"a"});
  const Read read(good({{"sec-websocket-protocol", "chat, superchat"}}));
  REQUIRE(read.handshake.offers("superchat"));
  REQUIRE(!read.handshake.offers("Chat"));
  REQUIRE(!read.handshake.offers(""));
}

TEST_CASE("robustness 61: a subprotocol of any byte is taken or refused, never a crash", "[ws]") {
  for (int byte = 1; byte < 256; ++byte) {
    const std::string value = std::string("x") + static_cast<char>(byte) + "y";
    const Read read(good({{"sec-websocket-protocol", value}}));
    REQUIRE((read.verdict.status == 101 || read.verdict.status == 400));
    REQUIRE((byte < 0x80 || read.verdict.status == 400));
  }
}

TEST_CASE("robustness 67: what is offered is answered", "[ws]") {
  for (const char* offer :
       {"permessage-deflate", " permessage-deflate ", "permessage-deflate;client_max_window_bits",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate ; client_max_window_bits = 15 ; server_max_window_bits = 15",
        "permessage-deflate; server_max_window_bits=\"15\"", "permessage-deflate, x; y=z",
        "x-webkit-deflate-frame, permessage-deflate",
        "a;b;c=d;e=\"f,g;h\\\"i\", permessage-deflate", ",, permessage-deflate",
        "permessage-deflate; unknown, permessage-deflate"}) {
    INFO(offer);
    REQUIRE(answer(offer) == agreed);
  }
  REQUIRE(answer("permessage-deflate; server_max_window_bits=10") ==
          agreed + "; server_max_window_bits=10");
  REQUIRE(answer("permessage-deflate; client_max_window_bits=9") ==
          agreed + "; client_max_window_bits=9");
  REQUIRE(answer("permessage-deflate; client_max_window_bits=8; server_max_window_bits=9") ==
          agreed + "; server_max_window_bits=9; client_max_window_bits=8");
  // The first that can be met.
  REQUIRE(answer("permessage-deflate; server_max_window_bits=8, permessage-deflate; "
                 "server_max_window_bits=11, permessage-deflate") ==
          agreed + "; server_max_window_bits=11");
  const Read read(
      good({{"sec-websocket-extensions",
             "permessage-deflate; server_max_window_bits=12; client_max_window_bits"}}));
  REQUIRE(read.handshake.deflate().server_window_bits == 12);
  REQUIRE(read.handshake.deflate().client_window_bits == 15);
}

TEST_CASE("robustness 61: an offer that makes no sense is as none", "[ws]") {
  for (const char* offer :
       {"",
        "constructor",
        "__proto__",
        "Permessage-Deflate",
        "permessage-deflate2",
        "permessage-deflate; unknown",
        "permessage-deflate; unknown=1",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=1a",
        "permessage-deflate; server_max_window_bits=-9",
        "permessage-deflate; server_max_window_bits=\"1\\0\"",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=9; client_max_window_bits",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        "permessage-deflate;",
        "permessage-deflate; ;",
        "permessage-deflate; =",
        ";",
        "=",
        "\"",
        "permessage-deflate foo",
        "permessage-deflate; server_max_window_bits=\"10",
        "permessage-deflate; a=\"\\",
        "foo bar, permessage-deflate",
        "\x80, permessage-deflate"}) {
    INFO(offer);
    REQUIRE(answer(offer).empty());
  }
}

TEST_CASE("robustness 61: huge lists cost linear time", "[ws]") {
  std::string protocols;
  std::string extensions;
  for (int i = 0; i < 20'000; ++i) {
    protocols.append("p").append(std::to_string(i)).append(",");
    extensions += "e;a=\"" + std::to_string(i) + "\", permessage-deflate;unknown,";
  }
  const Read read(
      good({{"sec-websocket-protocol", protocols}, {"sec-websocket-extensions", extensions}}));
  REQUIRE(read.verdict.accepted());
  REQUIRE(read.handshake.subprotocols().size() == 20'000);
  REQUIRE(read.handshake.extension_answer().empty());
  REQUIRE(answer(extensions + "permessage-deflate") == agreed);
}

TEST_CASE("robustness 67: permessage-deflate can be turned off", "[ws]") {
  const Read read(good({{"sec-websocket-extensions", "permessage-deflate"}}),
                  {.method = "GET", .deflate = false});
  REQUIRE(read.verdict.accepted());
  REQUIRE(!read.handshake.deflate().enabled);
  REQUIRE(read.handshake.extension_answer().empty());
}

TEST_CASE("Handshake: extensions may come in several fields", "[ws]") {
  const Read read(
      good({{"sec-websocket-extensions", "x"},
            {"sec-websocket-extensions", "permessage-deflate; server_max_window_bits=9"},
            {"sec-websocket-extensions", "permessage-deflate"}}));
  REQUIRE(read.handshake.extension_answer() == agreed + "; server_max_window_bits=9");
}
