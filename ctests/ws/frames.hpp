/// Frames as clients send them, and what a MessageReader makes of them, as text. Each check feeds
/// the bytes whole, byte by byte and cut at every place.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/ws/message_reader.hpp>

#include "support/feed.hpp"

namespace ringhorn::ws {

inline constexpr Mask test_mask = 0xA1B2C3D4;

struct FrameOptions {
  bool fin = true;
  unsigned reserved = 0;  ///< RSV1 is 0x40
  bool masked = true;
  int length_bytes = 0;  ///< 2 or 8: not in the fewest bytes
};

inline constexpr FrameOptions more{.fin = false};
inline constexpr FrameOptions deflated{.reserved = 0x40};
inline constexpr FrameOptions deflated_more{.fin = false, .reserved = 0x40};

/// The head of a masked frame that announces `length` bytes.
inline std::string head(Opcode opcode, std::uint64_t length, const FrameOptions& options = {}) {
  std::string bytes;
  bytes += static_cast<char>((options.fin ? 0x80U : 0U) | options.reserved |
                             static_cast<unsigned>(opcode));
  const int extended = options.length_bytes > 0 ? options.length_bytes
                       : length < 126           ? 0
                       : length <= 0xFFFF       ? 2
                                                : 8;
  const std::uint64_t mark = extended == 0 ? length : extended == 2 ? 126 : 127;
  bytes += static_cast<char>((options.masked ? 0x80U : 0U) | mark);
  for (int i = extended - 1; i >= 0; --i) {
    bytes += static_cast<char>(length >> (8 * i));
  }
  if (options.masked) {
    const Mask mask = test_mask;
    bytes.append(reinterpret_cast<const char*>(&mask), sizeof mask);
  }
  return bytes;
}

inline std::string frame(Opcode opcode, std::string_view payload,
                         const FrameOptions& options = {}) {
  std::string masked(payload);
  if (options.masked) {
    apply_mask(masked.data(), masked.size(), test_mask);
  }
  return head(opcode, payload.size(), options) + masked;
}

inline std::string text(std::string_view payload, const FrameOptions& options = {}) {
  return frame(Opcode::text, payload, options);
}
inline std::string binary(std::string_view payload, const FrameOptions& options = {}) {
  return frame(Opcode::binary, payload, options);
}
inline std::string continuation(std::string_view payload, const FrameOptions& options = {}) {
  return frame(Opcode::continuation, payload, options);
}
inline std::string ping(std::string_view payload) {
  return frame(Opcode::ping, payload);
}
inline std::string pong(std::string_view payload) {
  return frame(Opcode::pong, payload);
}
inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  return payload.append(reason);
}
inline std::string closing(unsigned code, std::string_view reason = {}) {
  return frame(Opcode::close, close_payload(code, reason));
}

struct ReaderOptions {
  std::uint64_t message_bytes_max = 1 << 20;
  bool deflate = false;
};

/// One line for each event:
///
///     text abc           text~ for one that is not ASCII
///     binary abc
///     ping abc
///     close 1000 reason
///     error 1002
class Transcript {
 public:
  Transcript(const ReaderOptions& options, DeflatePool& pool)
      : reader_(options.message_bytes_max, pool, {.enabled = options.deflate}) {}

  support::Fed read(std::span<char> unread) {
    const MessageReader::Step step = reader_.next(unread);
    switch (step.event) {
      case MessageReader::Event::need_more:
        REQUIRE(step.consumed == unread.size());
        return {step.consumed, false};
      case MessageReader::Event::message: {
        const MessageReader::Message& message = reader_.message();
        const std::string kind = message.kind == MessageKind::text ? "text" : "binary";
        REQUIRE((message.kind == MessageKind::text || !message.ascii));
        const bool other = message.kind == MessageKind::text && !message.ascii;
        line(kind + (other ? "~ " : " ") + std::string(message.payload));
        return {step.consumed, true};
      }
      case MessageReader::Event::ping:
        line("ping " + std::string(reader_.payload()));
        return {step.consumed, true};
      case MessageReader::Event::pong:
        line("pong " + std::string(reader_.payload()));
        return {step.consumed, true};
      case MessageReader::Event::close:
        line("close " + std::to_string(reader_.close_frame().code) + " " +
             std::string(reader_.close_frame().reason));
        return {step.consumed, true};
      case MessageReader::Event::error:
        if (reason_.empty()) {
          line("error " + std::to_string(reader_.fault().code));
        }
        reason_ = reader_.fault().reason;
        REQUIRE(!reason_.empty());
        return {step.consumed, false};
    }
    return {0, false};
  }

  const std::string& text() const { return text_; }
  const std::string& reason() const { return reason_; }
  const MessageReader& reader() const { return reader_; }

 private:
  void line(const std::string& what) { text_ += (text_.empty() ? "" : "\n") + what; }

  MessageReader reader_;
  std::string text_;
  std::string reason_;
};

/// Feeds `bytes` in every way and requires the same transcript each time.
inline void check(const std::string& name, std::string_view bytes, std::string_view expected,
                  const ReaderOptions& options = {}) {
  DeflatePool pool;
  std::string reason;
  support::for_each_cut(
      bytes.size(), [&](const std::string& cut, const std::vector<std::size_t>& cuts) {
        Transcript transcript(options, pool);
        support::feed(bytes, cuts, [&](std::span<char> unread) { return transcript.read(unread); });
        INFO(name << ", " << cut << ", reason: " << transcript.reason());
        REQUIRE(transcript.text() == expected);
        reason = reason.empty() ? transcript.reason() : reason;
        REQUIRE(transcript.reason() == reason);
      });
}

/// Feeds the bytes whole only: for inputs that are large.
inline std::string read_whole(std::string bytes, const ReaderOptions& options = {}) {
  DeflatePool pool;
  Transcript transcript(options, pool);
  std::span<char> unread(bytes);
  for (bool again = true; again;) {
    const support::Fed fed = transcript.read(unread);
    unread = unread.subspan(fed.consumed);
    again = fed.again;
  }
  return transcript.text();
}

}  // namespace ringhorn::ws
