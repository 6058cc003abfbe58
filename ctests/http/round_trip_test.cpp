// What the writer writes, a reader reads: fields survive, and chunked bodies come back. robustness
// 41
#include <random>
#include <string>
#include <string_view>

#include <ringhorn/http/chunked_decoder.hpp>
#include <ringhorn/http/request_parser.hpp>
#include <ringhorn/http/response_writer.hpp>

#include "support/catch.hpp"

using ringhorn::base::ByteBuffer;
using ringhorn::http::ChunkedDecoder;
using ringhorn::http::FieldError;
using ringhorn::http::Limits;
using ringhorn::http::RequestParser;
using ringhorn::http::ResponseWriter;

namespace {
const Limits limits;
}  // namespace

TEST_CASE("robustness 41: a chunked body of any pieces comes back whole", "[http]") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    ByteBuffer out;
    ResponseWriter writer;
    writer.begin(out, 200, {});
    writer.end_head(std::nullopt);
    out.clear();
    std::string body;
    for (std::size_t piece = random() % 20; piece > 0; --piece) {
      const std::string bytes(1 + random() % 3000, static_cast<char>('a' + piece));
      REQUIRE(writer.frame_body(out, bytes.size()) == bytes.size());
      out.append(bytes);
      writer.close_frame(out);
      body += bytes;
    }
    REQUIRE(writer.end_body(out, "x-sum: 1\r\n"));
    std::string read;
    ChunkedDecoder decoder;
    for (;;) {
      const ChunkedDecoder::Step step = decoder.next(out.bytes(), limits);
      if (step.event == ChunkedDecoder::Event::data) {
        read += decoder.data();
      }
      out.consume(step.consumed);
      if (step.event == ChunkedDecoder::Event::end) {
        break;
      }
      REQUIRE(step.event == ChunkedDecoder::Event::data);
    }
    REQUIRE(out.empty());
    REQUIRE(read == body);
  }
}

TEST_CASE("robustness 55: a field is written whole or not at all, and reads back", "[http]") {
  // The status line is replaced by a request line, so that our own strict parser is the reader.
  std::mt19937 random(11);
  const auto text = [&random](std::size_t size_max) {
    std::string bytes;
    for (std::size_t size = random() % (size_max + 1); size > 0; --size) {
      // Mostly harmless bytes, so that many fields are taken.
      bytes += static_cast<char>(random() % 40 == 0 ? random() % 256 : 'A' + random() % 26);
    }
    return bytes;
  };
  int taken = 0;
  for (int round = 0; round < 3000; ++round) {
    ByteBuffer out;
    ResponseWriter writer;
    writer.begin(out, 200, {});
    const std::size_t line_size = out.size();
    const std::string name = "X-" + text(40);
    const std::string value = text(40);
    const bool written = writer.add_field(name, value) == FieldError::none;
    writer.end_head(0);
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(out.view().substr(line_size));
    RequestParser parser(limits);
    REQUIRE(parser.next(bytes).event == RequestParser::Event::head);
    const auto& fields = parser.head().fields;
    REQUIRE(fields.size() == (written ? 3 : 2));
    if (written) {
      ++taken;
      std::string lower = name;
      for (char& c : lower) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      }
      REQUIRE(fields[1].name == lower);
      // A reader takes the white space off both ends (RFC 9110 §5.5).
      const std::string_view read = fields[1].value;
      REQUIRE(std::string_view(value).find(read) != std::string_view::npos);
      REQUIRE(value.size() - read.size() <= 4);
    }
  }
  REQUIRE(taken > 100);
}
