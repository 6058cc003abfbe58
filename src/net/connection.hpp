/// Connection owns one accepted socket: its operations, its output queue, its timeouts, its end. It
/// hands received bytes to a Protocol, as a rule a Session, which it borrows from the server while
/// there is a request. ServerState owns every Connection. Idle, it holds nothing but itself: no
/// buffer and no session.
///
///     open ──► finishing ──► lingering ──► closing ──► (destroyed)
///       └──────────┴─────────────┴────────────┘
///
/// *finishing*: no further request is served, the output still leaves. *lingering*: our side is
/// shut down, what comes is read and discarded, since closing on unread bytes makes the kernel send
/// RST, which can destroy the response on its way (RFC 9112 §9.6). *closing*: waits for the ends of
/// the operations in flight. It is destroyed only then, out of a dispatch, never under a caller's
/// feet.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/http/section_cache.hpp>
#include <ringhorn/io/poll.hpp>
#include <ringhorn/io/receive.hpp>
#include <ringhorn/io/send.hpp>
#include <ringhorn/net/exchange.hpp>
#include <ringhorn/sock/address.hpp>

#include "output_queue.hpp"
#include "stall_watch.hpp"
#include "timeouts.hpp"

namespace ringhorn::net {

class Protocol;
class ServerState;
class WebSocketSession;

/// How a connection ends once its output has left.
enum class Farewell : std::uint8_t {
  close,   ///< the peer has nothing more to say
  linger,  ///< it may still be sending
  brief,   ///< it expects to go on: a next request may be on its way, but nothing more
  reset,   ///< it must see that the response is not whole although nothing in it says so
};

/// Whether a connection counts towards the limit of concurrency: one on which health was asked for
/// last does not.
enum class Load : std::uint8_t { counted, probe };

struct ConnectionsTag;
struct DirtyTag;
struct ResumeTag;

class Connection final : public base::ListNode<ConnectionsTag>,
                         public base::ListNode<DirtyTag>,
                         public base::ListNode<ResumeTag>,
                         private io::ReceiveHandler,
                         private io::SendHandler,
                         private io::PollHandler,
                         private TimeoutOwner {
 public:
  /// `local` is the listener's address: it stays valid as long as the server.
  Connection(ServerState& server, base::UniqueFd socket, const sock::Address& local);
  ~Connection();

  /// Begins to read.
  void start();

  // --- for the session --------------------------------------------------------------------------
  /// Append, then want_flush().
  OutputQueue& output() noexcept { return output_; }
  /// There is output: it leaves with the turn's flush.
  void want_flush();
  /// A response is complete: where it is large, but not too large for the caches that hold it now,
  /// it leaves at once, and its memory serves the next.
  void offer_output();
  /// Asks for Session::resume() from the next dispatch.
  void want_resume();
  /// Holds the peer back, and keeps an eye on whether it is still there. Repeated calls add
  /// nothing.
  void pause_reading();
  void resume_reading();
  /// Looks out for a reset while nothing is read.
  void watch_peer();
  /// Arms the one timeout that concerns what is read.
  void arm(TimeoutKind kind);
  bool armed_for(TimeoutKind kind) const noexcept { return read_timeout_.armed_for(kind); }
  void disarm() noexcept { read_timeout_.disarm(); }
  /// Serves nothing more, and ends when the output has left.
  void finish(Farewell farewell);
  /// Ends at once; what has not left is dropped.
  void cut(Farewell farewell);
  /// What its latest request makes of it.
  void count_as(Load load) noexcept;
  /// The session is at its end and was given back.
  void on_session_done();
  /// A WebSocket that will follow the session: it may write from now on, and reads once
  /// begin_web_socket() was called, with the bytes that came behind the handshake.
  WebSocket& open_web_socket(WebSocketHandler& handler, const ws::DeflateAgreement& deflate);
  void begin_web_socket(base::ByteBuffer held);

  /// No more bytes come: the peer's FIN.
  bool input_ended() const noexcept { return receive_ended_; }
  bool reading_paused() const noexcept { return paused_; }
  /// The peer has sent FIN.
  bool peer_finished() const noexcept { return peer_finished_; }
  /// The connection is at its end, but what has come is still served.
  bool retiring() const noexcept { return retiring_; }

  /// Asked of the kernel once, on the first call.
  Peer peer();
  /// `host:port` for log lines; empty on a Unix socket.
  const std::string& client_text();
  base::Attachment& attachment() noexcept { return attachment_; }
  http::SectionCache::Sender& sender() noexcept { return sender_; }

  // --- for the server ---------------------------------------------------------------------------
  /// Starts a send of what is queued.
  void flush();
  /// What want_resume() has asked for.
  void resume();
  /// The server drains: an idle connection ends, another one with its next response.
  void drain();
  /// … and what it serves is told to end.
  void hurry();
  /// The connection is given up, whatever it is doing.
  void lose(Farewell farewell);
  /// REQUIRES: closed
  base::UniqueFd take_socket() noexcept { return std::move(socket_); }

 private:
  enum class Stage : std::uint8_t { open, finishing, lingering, closing };

  void on_received(std::span<char> bytes) override;
  void on_receive_end() override;
  void on_receive_error(int error) override;
  void on_receive_stopped() override;
  void on_sent(std::size_t count) override;
  void on_send_error(int error) override;
  void on_ready(short events) override;
  void on_poll_stopped() override;
  void on_timeout(TimeoutKind kind) override;

  /// Running out of memory costs this connection, not the worker (robustness 79).
  template <typename Step>
  void guarded(Step step) {
    try {
      step();
    } catch (const std::bad_alloc&) {
      lose(Farewell::reset);
    }
  }
  /// Counts what came too late to be served.
  void discard(std::size_t count);
  void on_output_empty();
  bool send_without_waiting();
  /// Whether anything but the next request follows once the output has left.
  bool somebody_waits() const noexcept;
  void idle();
  void part();
  void retire();
  void look_once_more();
  /// The output has left: the farewell, whichever it is.
  void end_output();
  void begin_close();
  void on_operation_ended();
  void on_end_seen();
  /// Whether what the kernel holds could be the rest of the body.
  bool body_can_complete() const;
  /// What the kernel holds for us to read, when it says so.
  std::optional<std::uint64_t> bytes_waiting() const;

  ServerState* server_;
  base::UniqueFd socket_;
  Stage stage_ = Stage::open;
  Farewell farewell_ = Farewell::close;
  bool peer_finished_ = false;
  bool receive_ended_ = false;
  bool paused_ = false;
  bool retiring_ = false;
  bool spoken_ = false;  ///< at least one byte has come
  bool addresses_known_ = false;
  Load load_ = Load::counted;
  std::uint8_t operations_left_ = 0;  ///< ends to wait for while closing
  http::SectionCache::Sender sender_;
  std::uint64_t discarded_bytes_ = 0;
  Protocol* session_ = nullptr;
  std::unique_ptr<WebSocketSession> web_socket_;
  // What a send touches stands together: a broadcast finds it cold for each connection.
  OutputQueue output_;
  io::Send send_;
  Timeout write_timeout_;
  Timeout read_timeout_;
  io::Receive receive_;
  io::Poll watch_;
  StallWatch stall_;
  const sock::Address* local_;
  sock::Address client_;
  std::string client_text_;
  sock::Address own_local_;  ///< only behind a wildcard listener
  base::Attachment attachment_;
};

}  // namespace ringhorn::net
