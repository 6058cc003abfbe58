/// WebSocket is one WebSocket connection that the application has accepted, as it sees it. `net`
/// reads and writes its frames, answers pings, sends its own, and says the goodbyes.
///
/// Life: Application::on_web_socket → Exchange::upgrade → send…, while the handler is told of
/// messages. It ends, once, with whichever comes first:
///   * close(): the application has said goodbye,
///   * WebSocketHandler::on_closed(): the client has, or is gone, or the server stops.
/// From then on the handler is detached and must not touch the WebSocket. What is queued still
/// leaves, and the closing handshake is waited for, for a limited time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/slice.hpp>
#include <ringhorn/ws/frame.hpp>
#include <ringhorn/ws/message_reader.hpp>

namespace ringhorn::net {

class WebSocketSession;

/// Bounds and times of WebSockets. Times are nanoseconds; 0 means no limit.
struct WebSocketSettings {
  bool enabled = true;  ///< otherwise a handshake is a plain request
  bool deflate = true;  ///< permessage-deflate is agreed to when the client offers it
  std::size_t compressed_bytes_min = 1024;     ///< smaller messages go as they are
  std::uint64_t message_bytes_max = 16777216;  ///< over all fragments, inflated; 0: no limit
  base::Nanoseconds handshake_ns = 30 * base::ns_per_s;      ///< for the application to answer
  base::Nanoseconds ping_interval_ns = 20 * base::ns_per_s;  ///< 0: no pings
  base::Nanoseconds ping_timeout_ns = 20 * base::ns_per_s;   ///< for the pong, or for any byte
  base::Nanoseconds close_ns = 10 * base::ns_per_s;          ///< for the client's Close after ours
};

/// Whether a handler takes another message now.
enum class Appetite : std::uint8_t { more, none };

/// The application's end of a WebSocket. Given to Exchange::upgrade.
class WebSocketHandler {
 public:
  /// A whole message; valid during the call. After `none` no other comes, and the socket is read
  /// no more, until WebSocket::want_more(). Called out of a dispatch only.
  virtual Appetite on_message(const ws::MessageReader::Message& message) = 0;
  /// The output has fallen to the low-water mark after send() had answered `wait`.
  virtual void on_writable() = 0;
  /// True while the application has a message that it may still answer: a server that drains waits
  /// for that before it says 1012, for a limited time. WebSocket::note_idle() tells of the end.
  virtual bool has_message_in_hand() const noexcept = 0;
  /// The end: the code and reason of the Close that came, or why we close (RFC 6455 §7.4.1;
  /// ws::close_abnormal when the client is gone without one). Detached before this call.
  virtual void on_closed(std::uint16_t code, std::string_view reason) = 0;

 protected:
  ~WebSocketHandler() = default;
};

class WebSocket {
 public:
  /// A message from this size on is worth its owner; less is copied, or shared with others that are
  /// sent the same.
  static constexpr std::size_t by_reference_bytes_min = 16384;

  /// What send() answers: `wait`: taken, but the output is above the high-water mark, wait for
  /// on_writable.
  enum class Sent : std::uint8_t { done, wait };

  /// A message, copied or compressed. REQUIRES: attached; text is UTF-8
  Sent send(ws::MessageKind kind, std::string_view payload);
  /// The same, kept by reference until it is sent where that pays.
  Sent send(ws::MessageKind kind, base::OwnedSlice payload);
  /// Goes on with on_message after it has answered `none`, out of a later dispatch.
  /// REQUIRES: attached
  void want_more();
  /// No message is in hand any more. REQUIRES: attached
  void note_idle() noexcept;
  /// Says Close and detaches the handler. A reason that is too long is cut between two characters.
  /// REQUIRES: attached; ws::may_be_sent(code); the reason is UTF-8
  void close(std::uint16_t code, std::string_view reason);

 private:
  friend class WebSocketSession;
  explicit WebSocket(WebSocketSession& session) noexcept : session_(&session) {}

  WebSocketSession* session_;
};

}  // namespace ringhorn::net
