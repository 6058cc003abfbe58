/// Session speaks HTTP/1.1 on one connection: bytes in, exchanges with the application, output out.
/// A Connection borrows one from the server's pool when bytes come and gives it back when it is
/// idle again, so that the parser, the buffers and the Exchange are few and stay in the caches. One
/// thread; every `on_*` comes out of Driver::dispatch().
///
/// Theory. The request side is one of six phases, and `run` moves through them in a loop:
///
///     head ──► body ──► answer ──► head …        one request at a time to the application
///                 ├──► drain ──► head …          answered before its body was read
///                 └──► upgraded                  a WebSocket takes the connection over
///     any ──► over                               the connection is being ended
///
/// Callbacks of the application may call back into the exchange, which may complete the response,
/// fail, or end the connection. Such a call only changes `phase_`; it never parses. When `run` is
/// on the stack it goes on by itself; otherwise the connection is put on the server's resume list
/// and goes on from the next dispatch. So there is no recursion, and the application's code is
/// never entered from inside its own call.
///
/// What is not yet parsed lies in the received buffer (`unread_`) and is copied to `held_` at the
/// end of a run: a torn head, pipelined requests, a body that is ahead of the application.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/base/slice.hpp>
#include <ringhorn/http/request_parser.hpp>
#include <ringhorn/net/exchange.hpp>

#include "protocol.hpp"
#include "request_body.hpp"
#include "response.hpp"
#include "upgrade.hpp"

namespace ringhorn::net {

class Connection;
class ServerState;
enum class Farewell : std::uint8_t;

class Session final : public Protocol {
 public:
  explicit Session(ServerState& server);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Begins on a connection. REQUIRES: fresh, or closed
  void open(Connection& connection) noexcept;
  /// Forgets the connection and everything of it; what is kept is memory, within bounds.
  void close() noexcept;

  // --- from the connection; each may end in close() ---------------------------------------------
  /// The contracts stand in protocol.hpp.
  void on_bytes(std::span<char> bytes) override;
  void on_peer_finished() override;
  void on_output_low() override;
  void on_timeout(TimeoutKind kind) override;
  void on_lost() override;
  void resume() override;
  void on_drain() override;
  void on_hurry() override;
  std::uint64_t body_bytes_missing() const noexcept override;

  // --- from Exchange: see there -----------------------------------------------------------------
  const http::RequestHead& head() const noexcept;
  Connection& connection() const noexcept { return *connection_; }
  RequestBody& body() noexcept { return body_; }
  Response& response() noexcept { return response_; }
  void attach(RequestHandler& handler) noexcept;
  RequestBody::Taken take_body();
  void await_body();
  void begin_response(int status, Trailers trailers);
  http::FieldError add_field(std::string_view name, std::string_view value);
  SendResult send_body(std::string_view bytes, bool last);
  SendResult send_body(base::OwnedSlice bytes, bool last);
  void send_trailers(std::string_view field_lines);
  void begin_upgrade();
  WebSocket* upgrade(WebSocketHandler& handler);
  void fail();
  void abort();
  bool peer_finished() const noexcept;

 private:
  enum class Phase : std::uint8_t { head, body, answer, drain, upgraded, over };

  void run();
  // Steps of run(); true: there may be more to do.
  bool read_head();
  bool open_exchange();
  /// `handshake`: of a WebSocket; null for a request.
  void call_application(const ws::Handshake* handshake);
  bool wants_web_socket(const http::RequestHead& head) const noexcept;
  /// False when the handshake was refused.
  bool open_web_socket(const http::RequestHead& head);
  /// The application may not answer the handshake any more.
  void give_up_handshake();
  bool read_body();
  RequestBody::Progress gather_body();
  bool drop_body();
  /// True when what came of the body is below the least rate.
  bool body_drips() noexcept;
  /// Whether it is a health check, which is answered here (session_health.cpp).
  bool asks_for_health(const http::RequestHead& head) const noexcept;
  void answer_health();
  /// Answers with 503 when the request at hand is one too many.
  bool over_limit();
  /// After run(): what is left is kept, timers and reading fit the phase, or the session ends.
  void settle();
  void store_rest();
  void update_reading();

  template <typename Bytes>
  SendResult send_piece(Bytes bytes, std::size_t size, bool last);
  SendResult after_piece(Response::Fit fit, std::size_t size, bool last);
  SendResult wait_for_output() noexcept;
  bool swallowed(std::size_t size);
  bool must_close(bool last) const noexcept;
  http::ResponseContext response_context() const noexcept;
  void note_access(const http::RequestHead& head);
  void log_access(int status);
  void log_web_socket(std::string_view outcome);
  bool has_more() const noexcept;
  // The ends of an exchange: the response is complete, nobody gets the rest of it, it broke, the
  // client is gone.
  RequestHandler* detach() noexcept;
  void complete();
  /// The response is in the queue: to the next request, or to the end.
  void go_on();
  void cut_short();
  void cut();
  void disconnect();
  /// REQUIRES: not running, phase upgraded
  void hand_over();
  // The ends of the connection: an answer of our own, or none.
  void refuse(int status);
  void refuse_bad_request();
  void leave();
  void leave(Farewell farewell);
  /// Gives the session back. REQUIRES: not running
  void release();

  ServerState* server_;
  Connection* connection_ = nullptr;
  RequestHandler* handler_ = nullptr;
  Exchange exchange_;
  http::RequestParser parser_;
  std::span<char> unread_;
  base::ByteBuffer held_;
  RequestBody body_;
  Response response_;
  std::unique_ptr<Upgrade> upgrade_;  ///< only for a WebSocket's handshake
  std::string log_method_;            ///< kept only while the access log is on
  std::string log_target_;
  std::uint64_t dropped_bytes_ = 0;  ///< of a body nobody reads; of a response without a body
  base::Nanoseconds body_wait_begin_ns_ = 0;
  base::Nanoseconds body_waited_ns_ = 0;  ///< how long the application has waited for this body
  http::Version version_ = http::Version::http_1_1;
  Phase phase_ = Phase::head;
  bool running_ = false;
  bool in_place_ = false;         ///< unread_ is the received buffer, not held_
  bool starved_ = false;          ///< the parser wants bytes that have not come
  bool head_begun_ = false;       ///< bytes of the next head were seen
  bool active_ = false;           ///< an exchange is with the application
  bool in_request_call_ = false;  ///< head() is valid
  bool awaiting_body_ = false;
  bool producer_waits_ = false;  ///< somebody was told to wait for on_writable
  bool length_broken_ = false;   ///< the application sent more or less than it declared
  bool cut_short_ = false;       ///< the application still sends what no one will get
  bool out_of_memory_ = false;
  bool hurried_ = false;  ///< the application was told that the server ends
  bool head_only_ = false;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
  bool accepts_trailers_ = false;
};

}  // namespace ringhorn::net
