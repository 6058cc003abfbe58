// Chunked bodies: robustness 1, 23 to 28, 32; lesson 28.
#include <algorithm>
#include <string>

#include "http/transcript.hpp"

using ringhorn::http::check;
using ringhorn::http::ChunkedDecoder;
using ringhorn::http::default_limits;
using ringhorn::http::Limits;
using ringhorn::http::request;
using ringhorn::http::RequestParser;
using ringhorn::http::Transcript;

namespace {

const std::string head = request("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n");
const std::string head_line = "head POST / 1.1 chunked [host: a] [transfer-encoding: chunked]";

// Requires what follows the head in the transcript of a chunked request.
void check_body(const std::string& body, const std::string& expected,
                const Limits& limits = default_limits) {
  check(body, head + body, head_line + (expected.empty() ? "" : "\n" + expected), limits);
}

}  // namespace

TEST_CASE("robustness 23: a chunk size is hexadecimal digits", "[http]") {
  check_body("5\r\nhello\r\n0\r\n\r\n", "body hello\nend");
  check_body("A\r\n0123456789\r\n0\r\n\r\n", "body 0123456789\nend");
  check_body("a\r\n0123456789\r\n00\r\n\r\n", "body 0123456789\nend");
  check_body("0000000000000005\r\nhello\r\n0000\r\n\r\n", "body hello\nend");
  check_body("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "body hello\nend");
  check_body("0\r\n\r\n", "end");
  for (const char* size : {"0x5", "+5", "-5", "5_0", " 5", "5 ", "", "\t5", "5\t", "g", "0X5", "5h",
                           "\"5\"", "00000000000000005", "8000000000000000", "ffffffffffffffff",
                           "10000000000000000", "FFFFFFFFFFFFFFFFFFFFFFFF", "\xd9\xa5"}) {
    check_body(std::string(size) + "\r\nhello\r\n0\r\n\r\n", "error 400");
  }
}

TEST_CASE("robustness 23: the largest chunk size is taken", "[http]") {
  check_body("7fffffffffffffff\r\nhello", "body hello");
}

TEST_CASE("robustness 24: exactly CRLF follows the data of a chunk", "[http]") {
  for (const char* end : {"\n", "\r", "\r\r", "XX", "\n\r", " \r\n", "o\r\n", "\rX"}) {
    check_body("5\r\nhello" + std::string(end) + "0\r\n\r\n", "body hello\nerror 400");
  }
  check_body("5\r\nhello0\r\n\r\n", "body hello\nerror 400");
}

TEST_CASE("robustness 1: bare LF and bare CR in chunk framing are refused", "[http]") {
  check_body("5\nhello\r\n0\r\n\r\n", "error 400");
  check_body("5\rhello\r\n0\r\n\r\n", "error 400");
  check_body("5\r\rhello\r\n0\r\n\r\n", "error 400");
  check_body("0\n\r\n", "error 400");
  check_body("0\r\n\n", "error 400");
  check_body("0\r\n\rX", "error 400");
  check_body("0\r\nX: y\n\r\n", "error 400");
  check_body("0\r\nX: y\rZ: w\r\n\r\n", "error 400");
  check_body("5;a\nhello\r\n0\r\n\r\n", "error 400");
  check_body("5;a\r0\r\n\r\n", "error 400");
}

TEST_CASE("robustness 25: a chunk extension obeys its grammar and is dropped", "[http]") {
  for (const char* extension :
       {";a", ";a=b", ";a=\"b\"", ";a;b", ";a=b;c=\"d e\\\"f\\\\;,\x80\tg\";h", ";a=\"\"",
        ";!#$%&'*+-.^_`|~=0"}) {
    check_body("5" + std::string(extension) + "\r\nhello\r\n0" + extension + "\r\n\r\n",
               "body hello\nend");
  }
  for (const char* extension :
       {";",      ";;",          ";a;",           ";=b",         ";a=",    ";a=;",
        ";a==b",  ";a=b=c",      "; a",           " ;a",         ";a =b",  ";a= b",
        ";a b",   ";a=\"b\"c",   ";a=\"b\"=c",    ";\"a\"",      ";a=\"b", ";a=b\"c\"",
        ";a\x01", ";a=\"\x01\"", ";a=\"\\\x01\"", ";a=\"\x7f\"", ";a\x80", ";a,b"}) {
    check_body("5" + std::string(extension) + "\r\nhello\r\n0\r\n\r\n", "error 400");
  }
}

TEST_CASE("robustness 25: all extensions of a request together have a limit", "[http]") {
  Limits limits;
  limits.chunk_extension_bytes_max = 8;
  check_body("1;abc\r\nx\r\n1;abc\r\ny\r\n0\r\n\r\n", "body xy\nend", limits);
  check_body("1;abc\r\nx\r\n1;abcd\r\ny\r\n0\r\n\r\n", "body x\nerror 400", limits);
  check_body("1;abc\r\nx\r\n1;abc\r\ny\r\n0;a\r\n\r\n", "body xy\nerror 400", limits);
  check_body("1;" + std::string(50, 'a'), "error 400", limits);

  Transcript transcript;
  std::string bytes = head + "1;" + std::string(16384, 'a');
  for (ringhorn::support::Fed fed{0, true}; fed.again;) {
    fed = transcript.read(bytes);
    bytes.erase(0, fed.consumed);
  }
  REQUIRE(transcript.text() == head_line + "\nerror 400");
}

TEST_CASE("robustness 26: a million chunks of one byte cost linear time and few events", "[http]") {
  constexpr std::size_t count = 1'000'000;
  std::string body;
  for (std::size_t i = 0; i < count; ++i) {
    body += "1\r\nx\r\n";
  }
  body += "0\r\n\r\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{16384}}) {
    ChunkedDecoder decoder;
    std::string bytes = body;
    std::size_t events = 0;
    std::size_t decoded = 0;
    bool ended = false;
    // Nothing but data is ever left with the caller, so each piece is new.
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      std::span<char> unread(bytes.data() + at, std::min(piece, bytes.size() - at));
      for (;;) {
        const ChunkedDecoder::Step step = decoder.next(unread, default_limits);
        unread = unread.subspan(step.consumed);
        if (step.event != ChunkedDecoder::Event::data) {
          ended = step.event == ChunkedDecoder::Event::end;
          break;
        }
        ++events;
        decoded += decoder.data().size();
      }
      if (!unread.empty()) {
        FAIL("bytes were left with the caller");
      }
    }
    REQUIRE(ended);
    REQUIRE(decoded == count);
    REQUIRE(events <= bytes.size() / piece + 1);
  }
}

TEST_CASE("robustness 26: data of small chunks is handed out together, in order", "[http]") {
  ChunkedDecoder decoder;
  std::string bytes = "2\r\nab\r\n3\r\ncde\r\n1\r\nf\r\n0\r\n\r\n";
  const ChunkedDecoder::Step step = decoder.next(bytes, default_limits);
  REQUIRE(step.event == ChunkedDecoder::Event::data);
  REQUIRE(decoder.data() == "abcdef");
  REQUIRE(step.consumed == bytes.size());
  REQUIRE(decoder.next({}, default_limits).event == ChunkedDecoder::Event::end);
}

TEST_CASE("robustness 26: data of large chunks stays where it lies", "[http]") {
  const std::string piece(5000, 'p');
  std::string bytes = "1388\r\n" + piece + "\r\n1388\r\n" + piece + "\r\n0\r\n\r\n";
  ChunkedDecoder decoder;
  const ChunkedDecoder::Step first = decoder.next(bytes, default_limits);
  REQUIRE(decoder.data().data() == bytes.data() + 6);
  REQUIRE(decoder.data() == piece);
  const ChunkedDecoder::Step second =
      decoder.next(std::span<char>(bytes).subspan(first.consumed), default_limits);
  REQUIRE(second.event == ChunkedDecoder::Event::data);
  REQUIRE(decoder.data() == piece);
}

TEST_CASE("robustness 27: a body that stops early has no end", "[http]") {
  check_body("0\r\n", "");
  check_body("5\r\nhello\r\n", "body hello");
  check_body("5\r\nhello\r\n0\r\n", "body hello");
  check_body("5\r\nhel", "body hel");
}

TEST_CASE("robustness 28: trailers are checked like fields and dropped", "[http]") {
  check_body("0\r\nX: y\r\n\r\n", "end");
  check_body("0\r\nX-Checksum: \x80 y\t\r\nZ:\r\n\r\n", "end");
  check_body("1\r\nx\r\n0\r\nX: y\r\n\r\n" + request("GET /next HTTP/1.1"),
             "body x\nend\nhead GET /next 1.1 [host: a]\nend");
  for (const char* trailer : {": y", "X : y", " X: y", "X", "X y", "X: \x01", "X: \x7f", "X\x80: y",
                              "X: y\r\n folded", "\tX: y", "(: y"}) {
    check_body("0\r\n" + std::string(trailer) + "\r\n\r\n", "error 400");
  }
  for (const char* name :
       {"Content-Length", "Transfer-Encoding", "Host", "Authorization", "Content-Type", "TRAILER",
        "connection", "Cookie", "Set-Cookie", "Expect", "TE", "Content-Encoding", "Content-Range",
        "Proxy-Authorization", "Max-Forwards", "Cache-Control", "Range", "Upgrade", "Keep-Alive"}) {
    check_body("0\r\n" + std::string(name) + ": 1\r\n\r\n", "error 400");
  }
  // Names that only begin like a forbidden one.
  check_body("0\r\nHosts: 1\r\nTransfer-Encoding-Long: 1\r\nContent-Typ: 1\r\n\r\n", "end");
}

TEST_CASE("robustness 28: trailers count against the limits of their head", "[http]") {
  Limits limits;
  limits.field_count_max = 4;  // two are in the head
  check_body("0\r\nA: 1\r\nB: 2\r\n\r\n", "end", limits);
  check_body("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", "error 431", limits);
  limits = Limits();
  limits.field_bytes_max = 30;
  check_body("0\r\nA: " + std::string(27, 'v') + "\r\n\r\n", "end", limits);
  check_body("0\r\nA: " + std::string(28, 'v') + "\r\n\r\n", "error 431", limits);
  check_body("0\r\n" + std::string(31, 'N') + ": v\r\n\r\n", "error 431", limits);
  limits = Limits();
  limits.head_bytes_max = 50;  // the head has 9 + 28
  check_body("0\r\nA: " + std::string(8, 'v') + "\r\n\r\n", "end", limits);
  check_body("0\r\nA: " + std::string(11, 'v') + "\r\n\r\n", "error 431", limits);
}

TEST_CASE("lesson 28: the framing of chunks is bounded as their data is", "[http]") {
  Limits limits;
  limits.body_bytes_max = 100;
  std::string chunks;
  for (int chunk = 0; chunk < 90; ++chunk) {
    chunks += "00000000000001\r\nx\r\n";  // 18 bytes of framing each
  }
  check_body(chunks + "0\r\n\r\n", "body " + std::string(90, 'x') + "\nend", limits);
  std::string flood;
  for (int chunk = 0; chunk < 300; ++chunk) {
    flood += "0000000000000001\r\nx\r\n";  // 20
  }
  limits.body_bytes_max = 1000;
  check_body(flood, "body " + std::string(254, 'x') + "\nerror 413", limits);
}

TEST_CASE("robustness 32: chunks above the body limit are 413, before their data", "[http]") {
  Limits limits;
  limits.body_bytes_max = 5;
  check_body("5\r\nhello\r\n0\r\n\r\n", "body hello\nend", limits);
  check_body("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "body hello\nend", limits);
  check_body("6\r\nhello!\r\n0\r\n\r\n", "error 413", limits);
  check_body("3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n", "body hel\nerror 413", limits);
  check_body("7fffffffffffffff\r\nx", "error 413", limits);
  check_body("1\r\nx\r\n7fffffffffffffff\r\nx", "body x\nerror 413", limits);
}
