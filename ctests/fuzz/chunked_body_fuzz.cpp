// ChunkedDecoder on arbitrary bytes: no crash, data inside the input, limits held, and the same
// body and end however the input is cut. What it decodes is then written by ResponseWriter in other
// pieces and must decode to the same.
#include <string>

#include <ringhorn/http/chunked_decoder.hpp>
#include <ringhorn/http/response_writer.hpp>

#include "fuzz/entry.hpp"
#include "fuzz/split.hpp"

namespace {

using ringhorn::fuzz::Fed;
using ringhorn::fuzz::require;
using ringhorn::http::ChunkedDecoder;
using ringhorn::http::Limits;

using Event = ChunkedDecoder::Event;

struct Decoded {
  std::string body;
  std::string ending;
  std::size_t consumed = 0;  // until the end

  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view input, std::uint32_t seed, const Limits& limits) {
  Decoded decoded;
  ChunkedDecoder decoder;
  ringhorn::fuzz::feed(input, seed, [&](std::span<char> unread) -> Fed {
    if (!decoded.ending.empty()) {
      return {0, false};
    }
    const ChunkedDecoder::Step step = decoder.next(unread, limits);
    decoded.consumed += step.consumed;
    switch (step.event) {
      case Event::need_more:
        require(step.consumed == unread.size(), "nothing is left with the caller");
        return {step.consumed, false};
      case Event::data: {
        const std::string_view data = decoder.data();
        require(!data.empty(), "a piece is not empty");
        require(data.data() >= unread.data() &&
                    data.data() + data.size() <= unread.data() + step.consumed,
                "a piece lies inside the input");
        decoded.body += data;
        return {step.consumed, true};
      }
      case Event::end:
        decoded.ending = "end";
        return {step.consumed, false};
      case Event::error:
        decoded.ending = std::to_string(decoder.error().status) + decoder.error().reason;
        // How far it came is told by no one and depends on the pieces.
        decoded.consumed = 0;
        return {step.consumed, false};
    }
    return {0, false};
  });
  require(limits.body_bytes_max == 0 || decoded.body.size() <= limits.body_bytes_max,
          "the body has a limit");
  return decoded;
}

std::string encode(std::string_view body, std::uint32_t seed) {
  ringhorn::base::ByteBuffer out;
  ringhorn::http::ResponseWriter writer;
  ringhorn::fuzz::Cuts cuts(seed);
  writer.begin(out, 200, {});
  writer.end_head(std::nullopt);
  out.clear();
  while (!body.empty()) {
    const std::size_t size = cuts.next(body.size());
    require(writer.frame_body(out, size) == size, "chunks have no limit");
    out.append(body.substr(0, size));
    writer.close_frame(out);
    body.remove_prefix(size);
  }
  require(writer.end_body(out), "chunks are never too few");
  return std::string(out.view());
}

}  // namespace

void ringhorn::fuzz::run(const Input& input) {
  Limits limits;
  if (input.small_limits) {
    limits = {.field_bytes_max = 24,
              .field_count_max = 3,
              .head_bytes_max = 48,
              .chunk_extension_bytes_max = 16,
              .body_bytes_max = 32};
  }
  const Decoded whole = decode(input.bytes, 0, limits);
  require(whole == decode(input.bytes, input.cuts, limits), "the body does not depend on the cuts");
  const Decoded again = decode(encode(whole.body, input.cuts), input.cuts, Limits());
  require(again.body == whole.body && again.ending == "end", "what is written can be read");
}
