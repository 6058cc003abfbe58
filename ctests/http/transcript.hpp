/// What a RequestParser said about some bytes, as text: the form in which the tests compare.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/http/request_parser.hpp>

#include "support/feed.hpp"

namespace ringhorn::http {

inline const Limits default_limits;

/// One line for each event; neighbouring pieces of a body are one piece:
///
///     head POST /p?q 1.1 length=3 [host: a] [x: y]
///     body abc
///     end
///     error 400
class Transcript {
 public:
  explicit Transcript(const Limits& limits = default_limits) : parser_(limits) {}
  Transcript(const Limits& limits, SectionCache& sections, SectionCache::Sender& sender)
      : Transcript(limits) {
    parser_.read_from(sections, sender);
  }

  support::Fed read(std::span<char> unread) {
    const RequestParser::Step step = parser_.next(unread);
    switch (step.event) {
      case RequestParser::Event::need_more:
        return {step.consumed, false};
      case RequestParser::Event::head:
        line(describe(parser_.head()));
        return {step.consumed, true};
      case RequestParser::Event::body:
        add_body(parser_.body(), {unread.data(), step.consumed});
        return {step.consumed, true};
      case RequestParser::Event::end:
        line("end");
        return {step.consumed, true};
      case RequestParser::Event::error:
        if (reason_.empty()) {
          line("error " + std::to_string(parser_.error().status));
        }
        reason_ = parser_.error().reason;
        REQUIRE(!reason_.empty());
        return {step.consumed, false};
    }
    return {0, false};
  }

  const std::string& text() const { return text_; }
  const std::string& reason() const { return reason_; }
  const RequestParser& parser() const { return parser_; }

  static std::string describe(const RequestHead& head) {
    const auto text = [](std::string_view view) { return std::string(view); };
    std::string line = "head " + text(head.method) + " " + text(head.path);
    line += head.query.empty() ? "" : "?" + text(head.query);
    line += head.version == Version::http_1_1 ? " 1.1" : " 1.0";
    if (head.framing == Framing::content_length) {
      line += " length=" + std::to_string(head.content_length);
    }
    line += head.framing == Framing::chunked ? " chunked" : "";
    line += head.keep_alive ? "" : " close";
    line += head.expects_continue ? " continue" : "";
    line += head.accepts_trailers ? " trailers" : "";
    line += head.wants_upgrade ? " upgrade=" + text(head.upgrade) : "";
    for (const HeaderField& field : head.fields) {
      line += " [" + text(field.name) + ": " + text(field.value) + "]";
    }
    return line;
  }

 private:
  void line(const std::string& what) {
    text_ += (text_.empty() ? "" : "\n") + what;
    in_body_ = false;
  }
  void add_body(std::string_view body, std::string_view consumed) {
    REQUIRE(!body.empty());
    REQUIRE(body.data() >= consumed.data());
    REQUIRE(body.data() + body.size() <= consumed.data() + consumed.size());
    if (!in_body_) {
      line("body ");
    }
    in_body_ = true;
    text_ += body;
  }

  RequestParser parser_;
  std::string text_;
  std::string reason_;
  bool in_body_ = false;
};

/// Feeds `bytes` in every way and requires the same transcript each time: to a parser without
/// memory, and to those of a sender that repeats itself.
inline void check(const std::string& name, std::string_view bytes, std::string_view expected,
                  const Limits& limits = default_limits) {
  std::string reason;
  SectionCache sections;
  SectionCache::Sender sender;
  const auto feed = [&](Transcript transcript, const std::string& cut,
                        const std::vector<std::size_t>& cuts) {
    support::feed(bytes, cuts, [&](std::span<char> unread) { return transcript.read(unread); });
    INFO(name << ", " << cut << ", reason: " << transcript.reason());
    REQUIRE(transcript.text() == expected);
    reason = reason.empty() ? transcript.reason() : reason;
    REQUIRE(transcript.reason() == reason);
  };
  for (int request = 0; request < 3; ++request) {
    feed(Transcript(limits, sections, sender), "remembered", {});
  }
  support::for_each_cut(bytes.size(),
                        [&](const std::string& cut, const std::vector<std::size_t>& cuts) {
                          feed(Transcript(limits), cut, cuts);
                          feed(Transcript(limits, sections, sender), cut + ", remembered", cuts);
                        });
}

/// A head as most cases need it: the request line, a Host, and `fields` (whole lines).
inline std::string request(std::string_view line, std::string_view fields = {}) {
  return std::string(line) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

}  // namespace ringhorn::http
