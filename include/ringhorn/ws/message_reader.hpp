/// MessageReader reads what a client sends over a WebSocket (RFC 6455 §5, RFC 7692) strictly,
/// without I/O, clock or Python. Bytes in, events out; cut anywhere they give the same events as
/// fed whole. One per connection; `net`'s WebSocket session calls it.
///
///     next() ──► message | ping | pong | … ──► need_more: all bytes are used, feed new ones
///             ├─► close: the peer's Close; whatever comes after it is dropped, unread
///             └─► error: say fault().code in a Close and end the connection; final
///
/// Nothing is ever left with the caller: a message that is not whole is kept here, unmasked,
/// inflated and checked so far. A message that lies whole and uncompressed in the bytes given is
/// not copied but unmasked in place. Text is checked byte by byte as it comes, so that bad UTF-8
/// fails at once (1007), not at the end of its frame.
///
/// Memory: the message so far, at most `message_bytes_max`, and growing with the bytes received,
/// never with a length that a frame announces; DeflatePool says what inflating costs. Nothing
/// between messages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/ws/deflate.hpp>
#include <ringhorn/ws/frame.hpp>
#include <ringhorn/ws/utf8.hpp>

namespace ringhorn::ws {

/// What a peer did wrong: the code for the Close frame and one sentence, for its reason and the
/// log.
struct Fault {
  std::uint16_t code = close_protocol_error;
  const char* reason = "";
};

/// The content of a Close frame.
struct CloseFrame {
  std::uint16_t code = close_no_status;  ///< close_no_status if it was empty
  std::string_view reason;               ///< UTF-8, at most close_reason_bytes_max
};

class MessageReader {
 public:
  enum class Event : std::uint8_t {
    need_more,  ///< everything was used
    message,    ///< message() is a whole message
    ping,       ///< answer with a pong of payload()
    pong,       ///< payload() is what it said
    close,      ///< close_frame(); answer with a Close if none was sent
    error,      ///< fault() says why; every later call says so again
  };
  struct Step {
    Event event;
    std::size_t consumed;  ///< bytes at the front that the caller drops after acting on the event
  };
  struct Message {
    MessageKind kind;
    std::string_view payload;  ///< valid UTF-8 if text
    bool ascii;                ///< a text of nothing but bytes below 0x80
  };

  /// `message_bytes_max` counts a message's payload over all its fragments and after inflation; 0
  /// is no limit. Compressed messages are refused.
  explicit MessageReader(std::uint64_t message_bytes_max) noexcept;
  /// The same with what was agreed at the handshake. `pool` must outlive the reader.
  MessageReader(std::uint64_t message_bytes_max, DeflatePool& pool,
                const DeflateAgreement& agreement) noexcept;
  ~MessageReader();
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  /// Reads up to one event; `unread` is changed in place. All views of earlier events end here.
  Step next(std::span<char> unread);

  /// After `message`, until the next call or until the bytes given go away.
  const Message& message() const noexcept { return message_; }
  /// After `ping` and `pong`: the same.
  std::string_view payload() const noexcept { return message_.payload; }
  /// After `close`: the same.
  const CloseFrame& close_frame() const noexcept { return close_; }
  /// After `error`.
  const Fault& fault() const noexcept { return fault_; }

  /// True when a message or a frame has begun and is not complete.
  bool in_message() const noexcept { return message_begun_ || head_bytes_ > 0 || in_payload_; }
  /// Bytes of memory that the message so far holds.
  std::size_t memory() const noexcept { return gathered_.capacity(); }

 private:
  enum class State : std::uint8_t { reading, closed, failed };
  enum class Progress : std::uint8_t { stalled, done, failed };

  void release_delivered() noexcept;
  Progress read_head(std::span<char>& unread);
  bool check_start(unsigned first, unsigned second) noexcept;
  Progress begin_frame(const char* head);
  Event read_control(std::span<char> piece);
  Event read_close(std::string_view payload);
  Event read_data(std::span<char> piece);
  bool inflate(std::string_view piece, bool last);
  bool check_text(std::string_view added) noexcept;
  Event end_message(std::string_view payload);
  bool refuse(std::uint16_t code, const char* reason) noexcept;

  const std::uint64_t message_bytes_max_;
  DeflatePool* const pool_ = nullptr;  // null: nothing may be compressed
  State state_ = State::reading;

  // The frame in work. Its mask is turned so that it fits the payload's next byte.
  bool in_payload_ = false;
  bool final_ = false;
  Opcode opcode_ = Opcode::continuation;
  Mask mask_ = 0;
  std::uint64_t payload_left_ = 0;
  std::uint8_t head_bytes_ = 0;                     // of a head that is cut in two …
  std::array<char, client_head_bytes_max> head_{};  // … and these
  base::ByteBuffer control_;                        // payload of a control frame that is cut

  // The message in work; control frames may come between its frames.
  bool message_begun_ = false;
  bool deflated_ = false;
  Utf8Validator utf8_;
  std::uint64_t deflated_bytes_ = 0;
  std::unique_ptr<Inflater> inflater_;
  base::ByteBuffer gathered_;

  Message message_{};
  CloseFrame close_;
  Fault fault_;
};

}  // namespace ringhorn::ws
