// MessageReader on arbitrary bytes, with and without permessage-deflate: no crash, views that can
// be read, texts that are UTF-8, limits held, memory bounded, and the same events however the input
// is cut. The messages are then written by MessageWriter, masked, and must read the same.
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <ringhorn/ws/message_reader.hpp>
#include <ringhorn/ws/message_writer.hpp>

#include "fuzz/entry.hpp"
#include "fuzz/split.hpp"

namespace {

using namespace ringhorn::ws;
using ringhorn::base::ByteBuffer;
using ringhorn::fuzz::Fed;
using ringhorn::fuzz::require;

using Event = MessageReader::Event;

struct Options {
  std::uint64_t message_bytes_max;
  bool deflate;
};

struct Read {
  std::vector<std::pair<MessageKind, std::string>> messages;
  std::string others;  // and where they came
  std::string fault;

  bool operator==(const Read&) const = default;
};

void add_message(Read& read, const MessageReader::Message& message, const Options& options) {
  require(message.payload.size() <= options.message_bytes_max, "a message has a limit");
  bool ascii = true;
  for (const char byte : message.payload) {
    ascii = ascii && static_cast<unsigned char>(byte) < 0x80;
  }
  if (message.kind == MessageKind::text) {
    require(is_utf8(message.payload), "text is UTF-8");
    require(message.ascii == ascii, "ASCII is told from other text");
  }
  read.messages.emplace_back(message.kind, message.payload);
}

void add_other(Read& read, char event, std::string_view payload) {
  require(payload.size() <= control_payload_bytes_max, "a control frame has a limit");
  read.others += std::to_string(read.messages.size()) + event + std::string(payload) + "\n";
}

Read read_all(std::string_view input, std::uint32_t cuts, const Options& options) {
  Read read;
  DeflatePool pool;
  MessageReader reader(options.message_bytes_max, pool, {.enabled = options.deflate});
  ringhorn::fuzz::feed(input, cuts, [&](std::span<char> unread) -> Fed {
    const MessageReader::Step step = reader.next(unread);
    require(reader.memory() <= 2 * options.message_bytes_max + 1024, "memory has a limit");
    switch (step.event) {
      case Event::need_more:
        require(step.consumed == unread.size(), "nothing is left with the caller");
        return {step.consumed, false};
      case Event::message:
        add_message(read, reader.message(), options);
        return {step.consumed, true};
      case Event::ping:
      case Event::pong:
        add_other(read, step.event == Event::ping ? '?' : '!', reader.payload());
        return {step.consumed, true};
      case Event::close:
        require(
            reader.close_frame().code == close_no_status || may_be_sent(reader.close_frame().code),
            "a close code may be sent");
        require(is_utf8(reader.close_frame().reason), "a close reason is UTF-8");
        add_other(read, '.', reader.close_frame().reason);
        return {step.consumed, true};
      case Event::error:
        require(may_be_sent(reader.fault().code), "the code of a fault may be sent");
        read.fault = std::to_string(reader.fault().code) + reader.fault().reason;
        return {step.consumed, false};
    }
    return {0, false};
  });
  return read;
}

/// The frame of a server, as a client would have sent it.
std::string mask_frame(std::string_view frame, Mask mask) {
  const auto length = static_cast<unsigned char>(frame[1]);
  const std::size_t head_bytes = length < 126 ? 2 : length == 126 ? 4 : 10;
  std::string bytes(frame.substr(0, head_bytes));
  bytes[1] = static_cast<char>(length | 0x80);
  bytes.append(reinterpret_cast<const char*>(&mask), sizeof mask);
  std::string payload(frame.substr(head_bytes));
  apply_mask(payload.data(), payload.size(), mask);
  return bytes + payload;
}

std::string write_all(const Read& read, std::uint32_t seed) {
  std::string bytes;
  DeflatePool pool;
  const auto bits = static_cast<std::uint8_t>(9 + seed % 7);
  MessageWriter writer(pool, {.enabled = true, .server_window_bits = bits}, seed % 32);
  for (const auto& [kind, payload] : read.messages) {
    ByteBuffer frame;
    writer.write(frame, kind, payload);
    require(frame.size() <= server_head_bytes_max + payload.size(), "compressing never adds");
    bytes += mask_frame(frame.view(), seed);
  }
  return bytes;
}

}  // namespace

void ringhorn::fuzz::run(const Input& input) {
  Options options{.message_bytes_max = input.small_limits ? 32U : 100'000U,
                  .deflate = (input.cuts & 4) != 0};
  const Read whole = read_all(input.bytes, 0, options);
  require(whole == read_all(input.bytes, input.cuts, options),
          "the events do not depend on the cuts");
  options.deflate = true;
  const Read again = read_all(write_all(whole, input.cuts), input.cuts, options);
  require(again.messages == whole.messages && again.fault.empty(), "what is written can be read");
}
