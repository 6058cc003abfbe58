/// CloseState is the closing handshake of one connection (RFC 6455 §7): who has said Close, what
/// may still be sent and read, and what the application is told. It writes the Close frames itself,
/// so that none is ever written twice and nothing is written after one. No I/O, no clock.
///
///              close(): ours goes out                 on_close(): theirs came
///     open ───────────────────────────────► closing ─────────────────────────► closed
///      ├── on_close(): theirs came, the answer with the same code goes out ──►   │
///      ├── fail(): they broke the protocol, or a limit; ours goes out ────────► failed
///      └── on_lost(): the transport ended ────────────────────────────────────► lost
///
/// * `closing`: what they send is still read; messages are dropped, pings are not answered, the
///   Close ends it. The wait for it has a limit, armed once, by `net`; then fail() or the end.
/// * `closed`: both are said. The server ends the transport first (§7.1.1): shut down, then read
/// and
///   drop until the client has gone, for a limited time, or its last bytes turn ours into a reset.
/// * `failed`: as closed, but their Close is not waited for.
/// From `failed`, `closed` and `lost` nothing leads out; every event there is ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/ws/message_reader.hpp>

namespace ringhorn::ws {

class CloseState {
 public:
  enum class State : std::uint8_t { open, closing, closed, failed, lost };

  /// We want to end it: the application, a shutdown, a timeout. False, and nothing written, when
  /// not open. REQUIRES: as write_close
  bool close(base::ByteBuffer& out, std::uint16_t code, std::string_view reason);
  /// Their Close came. Writes the answer when ours has not gone out yet: their code, no reason; an
  /// empty one for an empty one.
  void on_close(base::ByteBuffer& out, const CloseFrame& frame);
  /// They broke the rules, or did not answer. Writes a Close when none has gone out yet.
  void fail(base::ByteBuffer& out, const Fault& fault);
  /// The transport ended. A no-op when the handshake is over.
  void on_lost() noexcept;

  State state() const noexcept { return state_; }
  /// Messages and pings may be sent; pongs too.
  bool may_send() const noexcept { return state_ == State::open; }
  /// Messages may be handed to the application.
  bool may_deliver() const noexcept { return state_ == State::open; }
  /// What comes in must still be given to the reader; else it is dropped unread.
  bool may_read() const noexcept { return state_ == State::open || state_ == State::closing; }
  /// Nothing more is to be written but what is queued: end the transport behind it.
  bool over() const noexcept { return state_ > State::closing; }

  /// For `websocket.disconnect`: code and reason of the Close that came first, theirs or ours;
  /// close_abnormal when there was none. close_no_status for an empty one.
  std::uint16_t code() const noexcept { return code_; }
  const std::string& reason() const noexcept { return reason_; }

 private:
  State state_ = State::open;
  std::uint16_t code_ = close_abnormal;
  std::string reason_;
};

}  // namespace ringhorn::ws
