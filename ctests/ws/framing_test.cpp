// Frames and messages: robustness 62, 64, 66; lessons 37 and 38; groups 1 to 5 and 7 of Autobahn.
#include <string>

#include "ws/frames.hpp"

using namespace std::string_literals;
using namespace ringhorn::ws;

TEST_CASE("MessageReader reads whole messages of both kinds", "[ws]") {
  check("text", text("hello"), "text hello");
  check("binary", binary("a\0b\xff"s), "binary a\0b\xff"s);
  check("an empty text", text(""), "text ");
  check("an empty binary", binary(""), "binary ");
  check("two", text("a") + binary("b"), "text a\nbinary b");
  check("other letters", text("\xce\xba\xe1\xbd\xb9\xcf\x83"),
        "text~ \xce\xba\xe1\xbd\xb9\xcf\x83");
}

TEST_CASE("MessageReader reads every form of length", "[ws]") {
  for (const std::size_t size : {1, 125, 126, 127, 128, 300}) {
    const std::string payload(size, '*');
    check("length " + std::to_string(size), text(payload), "text " + payload);
  }
  for (const std::size_t size : {65535, 65536, 65537, 200000}) {
    const std::string payload(size, '*');
    REQUIRE(read_whole(binary(payload)) == "binary " + payload);
  }
}

TEST_CASE("robustness 62: a message of many fragments is one message", "[ws]") {
  check("two", text("ab", more) + continuation("cd"), "text abcd");
  check("three of binary", binary("ab", more) + continuation("cd", more) + continuation("ef"),
        "binary abcdef");
  check("empty ones", text("", more) + continuation("", more) + continuation(""), "text ");
  check("the middle only", text("", more) + continuation("x", more) + continuation(""), "text x");
  check("the last only", text("", more) + continuation("x"), "text x");
  std::string bytes = text("0", more);
  std::string payload = "0";
  for (int i = 0; i < 30; ++i) {
    bytes += continuation("ab", more);
    payload += "ab";
  }
  check("many", bytes + continuation("end") + text("next"), "text " + payload + "end\ntext next");
}

TEST_CASE("robustness 62: control frames come between fragments", "[ws]") {
  check("a ping", text("ab", more) + ping("p") + continuation("cd"), "ping p\ntext abcd");
  check("many",
        text("ab", more) + ping("1") + pong("2") + continuation("cd", more) + ping("") +
            continuation("ef"),
        "ping 1\npong 2\nping \ntext abcdef");
  check("a close (7.1.5)", text("ab", more) + closing(1000) + continuation("cd"), "close 1000 ");
}

TEST_CASE("MessageReader reads pings and pongs of every allowed size", "[ws]") {
  check("an empty ping", ping(""), "ping ");
  check("a ping", ping("payload"), "ping payload");
  check("bytes", ping("\0\xff\xfe"s), "ping \0\xff\xfe"s);
  check("125 bytes", ping(std::string(125, '\xfe')), "ping " + std::string(125, '\xfe'));
  check("an unsolicited pong", pong("x") + ping("y"), "pong x\nping y");
}

TEST_CASE("robustness 62: what is no frame of a client ends in 1002", "[ws]") {
  struct Case {
    const char* name;
    std::string bytes;
  };
  const auto with = [](unsigned reserved) { return FrameOptions{.reserved = reserved}; };
  const auto op = [](int opcode) { return frame(static_cast<Opcode>(opcode), "x"); };
  const Case cases[] = {
      {"no mask", text("hello", {.masked = false})},
      {"no mask, empty", text("", {.masked = false})},
      {"a ping without mask", frame(Opcode::ping, "", {.masked = false})},
      {"RSV1", text("a", with(0x40))},
      {"RSV2", text("a", with(0x20))},
      {"RSV3", text("a", with(0x10))},
      {"all of RSV", binary("a", with(0x70))},
      {"RSV1 on a ping", frame(Opcode::ping, "a", with(0x40))},
      {"RSV2 on a close", frame(Opcode::close, "", with(0x20))},
      {"opcode 3", op(3)},
      {"opcode 4", op(4)},
      {"opcode 5", op(5)},
      {"opcode 6", op(6)},
      {"opcode 7", op(7)},
      {"opcode 11", op(11)},
      {"opcode 12", op(12)},
      {"opcode 13", op(13)},
      {"opcode 14", op(14)},
      {"opcode 15", op(15)},
      {"a long ping", ping(std::string(126, 'x'))},
      {"a long pong", pong(std::string(126, 'x'))},
      {"a long close", closing(1000, std::string(124, 'x'))},
      {"a fragmented ping", frame(Opcode::ping, "a", more) + continuation("b")},
      {"a fragmented close", frame(Opcode::close, "", more)},
      {"a continuation of nothing", continuation("a")},
      {"an unfinished continuation of nothing", continuation("a", more)},
      {"16 bits for a short length", text("a", {.length_bytes = 2})},
      {"16 bits for 125", binary(std::string(125, 'x'), {.length_bytes = 2})},
      {"64 bits for a short length", text("a", {.length_bytes = 8})},
      {"64 bits for 65535", head(Opcode::binary, 65535, {.length_bytes = 8})},
      {"64 bits with the top one", head(Opcode::binary, 0x8000000000000000)},
      {"64 bits, all set", head(Opcode::binary, 0xFFFFFFFFFFFFFFFF)},
      {"16 bits for a ping", frame(Opcode::ping, "a", {.length_bytes = 2})},
  };
  for (const Case& c : cases) {
    check(c.name, c.bytes, "error 1002");
    // Nothing behind the error counts; what came before it does.
    check(c.name, text("before") + ping("p") + c.bytes + text("behind"),
          "text before\nping p\nerror 1002");
  }
  check("a text inside a text", text("a", more) + text("b"), "error 1002");
  check("a binary inside a text", text("a", more) + binary("b") + continuation("c"), "error 1002");
  check("a continuation behind the end", text("a", more) + continuation("b") + continuation("c"),
        "text ab\nerror 1002");
  check("RSV1 on a continuation", text("a", more) + continuation("b", with(0x40)), "error 1002");
  check("lesson 38: an over-long length", head(Opcode::text, 0x7FFFFFFFFFFFFFFF), "error 1009");
}

TEST_CASE("robustness 62: wrong bits are refused before the frame is there", "[ws]") {
  DeflatePool pool;
  for (const std::string& start :
       {"\x91\x85"s, "\x83\x85"s, "\x81\x05"s, "\x09\x80"s, "\x89\xfe"s, "\x80\x85"s}) {
    Transcript transcript({}, pool);
    std::string bytes = start;
    transcript.read(bytes);
    REQUIRE(transcript.text() == "error 1002");
  }
}

TEST_CASE("robustness 63: the close frame", "[ws]") {
  check("empty", frame(Opcode::close, ""), "close 1005 ");
  check("a code", closing(1000), "close 1000 ");
  check("a reason", closing(1001, "going away"), "close 1001 going away");
  check("the longest reason", closing(1000, std::string(123, 'r')),
        "close 1000 " + std::string(123, 'r'));
  check("a reason of other letters", closing(4000, "\xe2\x82\xac"), "close 4000 \xe2\x82\xac");
  for (const unsigned code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                              1014, 3000, 3999, 4000, 4999}) {
    check("code", closing(code), "close " + std::to_string(code) + " ");
  }
  check("one byte", frame(Opcode::close, "\x03"), "error 1002");
  for (const unsigned code :
       {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    check("lesson 38: code " + std::to_string(code), closing(code), "error 1002");
    check("with a reason", closing(code, "why"), "error 1002");
  }
  check("a reason that is not UTF-8 (7.5.1)", closing(1000, "\xce\xba\xed\xa0\x80"), "error 1007");
  check("a reason that ends within a character", closing(1000, "\xe2\x82"), "error 1007");
}

TEST_CASE("robustness 64: nothing counts behind a close", "[ws]") {
  check("messages", text("a") + closing(1000) + text("b") + ping("c"), "text a\nclose 1000 ");
  check("garbage", closing(1000) + "\xff\xff\xff\xff\xff\xff", "close 1000 ");
  check("another close", closing(1000) + closing(1001), "close 1000 ");
}

TEST_CASE("robustness 66: the size of a message is limited over its fragments", "[ws]") {
  const ReaderOptions options{.message_bytes_max = 8};
  check("as much as may be", binary("12345678"), "binary 12345678", options);
  check("one more", binary("123456789"), "error 1009", options);
  check("in fragments, as much as may be",
        binary("1234", more) + continuation("5678", more) + continuation(""), "binary 12345678",
        options);
  check("in fragments, one more", binary("1234", more) + continuation("56789"), "error 1009",
        options);
  check("one byte each", binary("1234567", more) + continuation("8", more) + continuation("9"),
        "error 1009", options);
  check("each message anew", text("12345678") + text("12345678") + ping("123456789"),
        "text 12345678\ntext 12345678\nping 123456789", options);
  check("no limit", binary(std::string(70, 'x')), "binary " + std::string(70, 'x'),
        {.message_bytes_max = 0});
  // Told by the head, before any of the bytes.
  check("announced", head(Opcode::binary, 9), "error 1009", options);
  check("announced in a fragment", binary("1", more) + head(Opcode::continuation, 8), "error 1009",
        options);
}

TEST_CASE("robustness 66: memory follows the bytes that came, not those announced", "[ws]") {
  DeflatePool pool;
  MessageReader reader(std::uint64_t{1} << 40, pool, {});
  std::string bytes = head(Opcode::binary, std::uint64_t{1} << 40) + std::string(1000, 'x');
  REQUIRE(reader.next(bytes).event == MessageReader::Event::need_more);
  REQUIRE(reader.in_message());
  REQUIRE(reader.memory() <= 4096);
  for (int i = 0; i < 100; ++i) {
    std::string piece(1000, 'x');
    REQUIRE(reader.next(piece).event == MessageReader::Event::need_more);
  }
  REQUIRE(reader.memory() <= 4 * 101'000);

  // What is announced counts for something, so that a frame in a few pieces is not copied often.
  MessageReader other(0);
  std::string start = head(Opcode::binary, 65536) + std::string(16384, 'x');
  REQUIRE(other.next(start).event == MessageReader::Event::need_more);
  REQUIRE(other.memory() == 65536);
}

TEST_CASE("MessageReader holds nothing between messages", "[ws]") {
  DeflatePool pool;
  MessageReader reader(0);
  const auto feed = [&reader](std::string bytes) {
    std::span<char> unread(bytes);
    for (;;) {
      const MessageReader::Step step = reader.next(unread);
      unread = unread.subspan(step.consumed);
      if (step.event == MessageReader::Event::need_more) {
        return;
      }
    }
  };
  const std::string bytes = binary(std::string(100'000, 'x'));
  feed(bytes.substr(0, 50'000));
  REQUIRE(reader.memory() > 0);
  feed(bytes.substr(50'000));
  REQUIRE(reader.memory() == 0);
  REQUIRE(!reader.in_message());
  feed(ping("a").substr(0, 3));
  REQUIRE(reader.in_message());
  REQUIRE(sizeof(MessageReader) <= 256);
}

TEST_CASE("MessageReader does not copy a message that is there whole", "[ws]") {
  MessageReader reader(0);
  std::string bytes = text("hello") + binary("world");
  const MessageReader::Step first = reader.next(bytes);
  REQUIRE(reader.message().payload.data() == bytes.data() + 6);
  REQUIRE(first.consumed == 11);
  reader.next(std::span<char>(bytes).subspan(first.consumed));
  REQUIRE(reader.message().payload.data() == bytes.data() + 17);
  REQUIRE(reader.memory() == 0);
}

TEST_CASE("robustness 68: a flood of tiny fragments holds what it says and no more", "[ws]") {
  DeflatePool pool;
  MessageReader reader(0);
  std::string bytes = binary("", more);
  for (int i = 0; i < 100'000; ++i) {
    bytes += continuation("", more);
  }
  REQUIRE(reader.next(bytes).event == MessageReader::Event::need_more);
  REQUIRE(reader.memory() <= 1024);
}

TEST_CASE("lesson 37: nothing is dropped, whatever lies in one piece", "[ws]") {
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    bytes += text(std::to_string(i));
    expected += (i == 0 ? "text " : "\ntext ") + std::to_string(i);
  }
  REQUIRE(read_whole(bytes) == expected);
}
