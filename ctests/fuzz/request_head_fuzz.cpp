// RequestParser on arbitrary bytes: no crash, views inside the input, bounded memory, and the same
// events however the input is cut, and whether the sender has sent it before.
#include <string>

#include <ringhorn/http/request_parser.hpp>
#include <ringhorn/http/response_writer.hpp>

#include "fuzz/entry.hpp"
#include "fuzz/split.hpp"

namespace {

using ringhorn::fuzz::Fed;
using ringhorn::fuzz::require;
using ringhorn::http::Framing;
using ringhorn::http::HeaderField;
using ringhorn::http::Limits;
using ringhorn::http::RequestHead;
using ringhorn::http::RequestParser;
using ringhorn::http::SectionCache;

using Event = RequestParser::Event;

/// What the views must lie in: the input, or nothing in particular where a section is remembered.
using Bounds = std::span<char>;

void add(std::string& log, std::string_view text, Bounds input) {
  if (!text.empty() && input.data() != nullptr) {
    require(text.data() >= input.data() && text.data() + text.size() <= input.data() + input.size(),
            "views lie inside the input");
  }
  log += text;
  log += '\n';
}

void add_head(std::string& log, const RequestHead& head, Bounds input, const Limits& limits) {
  log += "head\n";
  for (const std::string_view view :
       {head.method, head.target, head.path, head.query, head.authority, head.upgrade}) {
    add(log, view, input);
  }
  for (const HeaderField& field : head.fields) {
    require(ringhorn::http::is_token(field.name), "a name is a token");
    require(ringhorn::http::is_field_value(field.value), "a value has no controls");
    add(log, field.name, input);
    add(log, field.value, input);
  }
  require(head.target.size() <= limits.request_line_bytes_max, "the request line has a limit");
  require(head.fields.size() <= limits.field_count_max, "the fields have a limit");
  log += std::to_string(static_cast<int>(head.version)) +
         std::to_string(static_cast<int>(head.framing)) + std::to_string(head.keep_alive) +
         std::to_string(head.expects_continue) + std::to_string(head.accepts_trailers) +
         std::to_string(head.wants_upgrade) + std::to_string(head.content_length) + "\n";
}

/// One sender, and what is remembered of it.
struct Memory {
  SectionCache sections;
  SectionCache::Sender sender;
};

std::string read_all(std::string_view input, std::uint32_t seed, const Limits& limits,
                     Memory* memory = nullptr) {
  std::string log;
  std::string body;
  bool failed = false;
  RequestParser parser(limits);
  if (memory != nullptr) {
    parser.read_from(memory->sections, memory->sender);
  }
  ringhorn::fuzz::feed(input, seed, [&](std::span<char> unread) -> Fed {
    const RequestParser::Step step = parser.next(unread);
    if (step.event != Event::body && step.event != Event::need_more && !body.empty()) {
      log += "body " + body + "\n";
      body.clear();
    }
    const std::span<char> given = unread.first(step.consumed);
    switch (step.event) {
      case Event::need_more:
        require(unread.size() - step.consumed <=
                    std::size_t{limits.request_line_bytes_max} + limits.head_bytes_max + 16,
                "no more is held than the limits say");
        return {step.consumed, false};
      case Event::head:
        add_head(log, parser.head(), parser.head().attachment == nullptr ? given : Bounds{},
                 limits);
        return {step.consumed, true};
      case Event::body:
        require(!parser.body().empty(), "a piece of a body is not empty");
        require(parser.body().data() >= given.data() &&
                    parser.body().data() + parser.body().size() <= given.data() + given.size(),
                "a piece of a body lies inside the input");
        body += parser.body();
        return {step.consumed, true};
      case Event::end:
        log += "end\n";
        return {step.consumed, true};
      case Event::error:
        if (!failed) {
          log += "error " + std::to_string(parser.error().status) + parser.error().reason;
        }
        failed = true;
        return {step.consumed, false};
    }
    return {0, false};
  });
  return log + "left " + body;
}

}  // namespace

void ringhorn::fuzz::run(const Input& input) {
  Limits limits;
  if (input.small_limits) {
    limits = {.request_line_bytes_max = 64,
              .field_bytes_max = 48,
              .field_count_max = 6,
              .head_bytes_max = 128,
              .chunk_extension_bytes_max = 16,
              .body_bytes_max = 32};
  }
  const std::string whole = read_all(input.bytes, 0, limits);
  require(whole == read_all(input.bytes, input.cuts, limits),
          "the events do not depend on the cuts");
  Memory memory;
  for (int request = 0; request < 3; ++request) {
    require(whole == read_all(input.bytes, 0, limits, &memory),
            "the events do not depend on what came before");
  }
  require(whole == read_all(input.bytes, input.cuts, limits, &memory),
          "the events do not depend on what came before, nor on the cuts");
}
