// Compressed messages through MessageReader: robustness 67; groups 12 and 13 of Autobahn.
#include <string>

#include "ws/deflate.hpp"
#include "ws/frames.hpp"

using namespace ringhorn::ws;

namespace {

constexpr ReaderOptions with_deflate{.deflate = true};

}  // namespace

TEST_CASE("robustness 67: compressed messages, whole and in fragments", "[ws]") {
  const std::string payload = "hello hello hello hello, \xce\xba\xe1\xbd\xb9\xcf\x83";
  const std::string z = zlib_deflate(payload);
  check("text", text(z, deflated), "text~ " + payload, with_deflate);
  check("binary", binary(z, deflated), "binary " + payload, with_deflate);
  check("empty", text(std::string(1, '\0'), deflated), "text ", with_deflate);
  check("no payload", text("", deflated), "text ", with_deflate);
  check("uncompressed ones between", text("a") + text(z, deflated) + text("b"),
        "text a\ntext~ " + payload + "\ntext b", with_deflate);
  check("a last block", text(zlib_deflate(payload, Z_FINISH), deflated), "text~ " + payload,
        with_deflate);
  for (std::size_t at = 0; at <= z.size(); at += 3) {
    check("fragments",
          text(z.substr(0, at), deflated_more) + ping("p") + continuation(z.substr(at)),
          "ping p\ntext~ " + payload, with_deflate);
  }
  check("many", binary("", deflated_more) + continuation(z, more) + continuation(""),
        "binary " + payload, with_deflate);
}

TEST_CASE("robustness 67: RSV1 is for the first frame of a message, where agreed", "[ws]") {
  const std::string z = zlib_deflate("hello");
  check("not agreed", text(z, deflated), "error 1002");
  check("on a continuation", text(z, deflated_more) + continuation(z, deflated), "error 1002",
        with_deflate);
  check("on a ping", frame(Opcode::ping, "", deflated), "error 1002", with_deflate);
  check("on a close", frame(Opcode::close, "", deflated), "error 1002", with_deflate);
  check("with RSV2", text(z, {.reserved = 0x60}), "error 1002", with_deflate);
  check("with RSV3", text(z, {.reserved = 0x50}), "error 1002", with_deflate);
}

TEST_CASE("robustness 67: what cannot be inflated ends in 1007", "[ws]") {
  const std::string z = zlib_deflate("hello hello hello");
  check("garbage", text("\xff\xff\xff\xff", deflated), "error 1007", with_deflate);
  check("cut short", text(z.substr(0, z.size() - 2), deflated), "error 1007", with_deflate);
  check("cut short, then another", text(z.substr(0, 4), deflated) + text("a"), "error 1007",
        with_deflate);
  check("the next is not read", text("a") + binary("\xff\xff", deflated) + text("b"),
        "text a\nerror 1007", with_deflate);
}

TEST_CASE("robustness 63: text is checked as it comes out of the inflater", "[ws]") {
  const std::string bad = "good \xed\xa0\x80 and more and more and more";
  check("bad UTF-8", text(zlib_deflate(bad), deflated), "error 1007", with_deflate);
  check("as binary", binary(zlib_deflate(bad), deflated), "binary " + bad, with_deflate);
  check("the end is missing", text(zlib_deflate("a\xe2\x82"), deflated), "error 1007",
        with_deflate);
  // Before the message is whole.
  DeflatePool pool;
  Transcript transcript(with_deflate, pool);
  std::string bytes = text(zlib_deflate(bad), deflated_more);
  transcript.read(bytes);
  REQUIRE(transcript.text() == "error 1007");
}

TEST_CASE("robustness 66: the limit counts what comes out, over all fragments", "[ws]") {
  const ReaderOptions options{.message_bytes_max = 100, .deflate = true};
  const std::string payload(100, 'x');
  const std::string z = zlib_deflate(payload);
  const std::string too_big = zlib_deflate(payload + "x");
  check("as much as may be", text(z, deflated), "text " + payload, options);
  check("one more", text(too_big, deflated), "error 1009", options);
  check("one more, in fragments",
        binary(too_big.substr(0, 3), deflated_more) + continuation(too_big.substr(3)), "error 1009",
        options);
  check("each message anew", text(z, deflated) + text(z, deflated),
        "text " + payload + "\ntext " + payload, options);
  check("bad text in front of what is too much",
        text(zlib_deflate(std::string(1, '\xff').append(200, 'x')), deflated), "error 1007",
        options);
  check("bad text behind it", text(zlib_deflate(payload + "\xff"), deflated), "error 1009",
        options);
}

TEST_CASE("robustness 67: a bomb ends in 1009, with memory of the limit's size", "[ws]") {
  const std::string bomb = zlib_deflate(std::string(50'000'000, '\0'), Z_SYNC_FLUSH, 15, 9);
  DeflatePool pool;
  MessageReader reader(1'000'000, pool, {.enabled = true});
  std::string bytes = binary(bomb, deflated);
  std::span<char> unread(bytes);
  std::size_t most = 0;
  MessageReader::Step step{MessageReader::Event::need_more, 0};
  while (!unread.empty() && step.event == MessageReader::Event::need_more) {
    const std::size_t size = std::min<std::size_t>(unread.size(), 64);
    step = reader.next(unread.first(size));
    unread = unread.subspan(step.consumed);
    most = std::max(most, reader.memory());
  }
  REQUIRE(step.event == MessageReader::Event::error);
  REQUIRE(reader.fault().code == 1009);
  REQUIRE(most <= 2'200'000);
  REQUIRE(reader.memory() == 0);
}

TEST_CASE("robustness 67: blocks without content do not go on for ever", "[ws]") {
  const ReaderOptions options{.message_bytes_max = 100, .deflate = true};
  const std::string empty_block("\x00\x00\x00\xff\xff", 5);
  std::string bytes = text("", deflated_more);
  for (int i = 0; i < 1000; ++i) {
    bytes += continuation(empty_block, more);
  }
  REQUIRE(read_whole(bytes, options) == "error 1009");
  REQUIRE(read_whole(head(Opcode::text, 2000, deflated), options) == "error 1009");
}

TEST_CASE("DeflatePool: readers borrow an inflater for as long as a message takes", "[ws]") {
  DeflatePool pool;
  const std::string payload = prose(3000);
  const std::string bytes = text(zlib_deflate(payload), deflated);
  // Many at once, none of which disturbs the others.
  std::vector<std::unique_ptr<MessageReader>> readers;
  for (int i = 0; i < 20; ++i) {
    readers.push_back(std::make_unique<MessageReader>(0, pool, DeflateAgreement{.enabled = true}));
  }
  for (std::size_t at = 0; at < bytes.size(); at += 10) {
    for (const std::unique_ptr<MessageReader>& reader : readers) {
      std::string piece = bytes.substr(at, 10);
      const MessageReader::Step step = reader->next(piece);
      const bool last = at + 10 >= bytes.size();
      REQUIRE(step.event ==
              (last ? MessageReader::Event::message : MessageReader::Event::need_more));
      if (last) {
        REQUIRE(reader->message().payload == payload);
        REQUIRE(reader->message().ascii);
        REQUIRE(reader->next({}).event == MessageReader::Event::need_more);
        REQUIRE(reader->memory() == 0);
      }
    }
  }
  // One that ends within a message leaves nothing behind.
  std::string half = bytes.substr(0, bytes.size() / 2);
  REQUIRE(readers.front()->next(half).event == MessageReader::Event::need_more);
  readers.clear();
}
