/// Exchange is one request and its response on a connection, as the application sees it. It belongs
/// to the server and is used again for another request, of this connection or of any other.
///
/// Life: Application::on_request → attach → take_body/await_body and begin_response, add_field,
/// send_body … in any order that HTTP allows. It ends, once, with whichever comes first:
///   * send_body(…, last) or send_trailers() returned: the response is complete,
///   * upgrade(): a WebSocket takes over,
///   * fail() or abort(): the application broke,
///   * RequestHandler::on_disconnect(): the client is gone.
/// From then on the handler is detached and must not touch the exchange: the object may already
/// serve the next request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <ringhorn/base/attachment.hpp>
#include <ringhorn/base/slice.hpp>
#include <ringhorn/http/head.hpp>
#include <ringhorn/http/response_writer.hpp>
#include <ringhorn/net/application.hpp>
#include <ringhorn/net/web_socket.hpp>
#include <ringhorn/sock/address.hpp>

namespace ringhorn::net {

class Session;

/// What send_body answers.
enum class SendResult : std::uint8_t {
  done,       ///< taken; go on
  wait,       ///< taken, but the output is above the high-water mark: wait for on_writable
  too_long,   ///< more than the declared content-length: the excess was dropped, the connection
              ///< closes
  too_short,  ///< the last piece, and less than the declared content-length: the connection closes
};

/// Where and how a connection came in. Addresses never change during its life.
struct Peer {
  const sock::Address* client;
  const sock::Address* server;
  bool secure;  ///< TLS
};

class Exchange {
 public:
  /// A piece of a response from this size on is sent out of the application's own memory where its
  /// owner is given with it; less is copied either way.
  static constexpr std::size_t by_reference_bytes_min = 8192;

  // --- the request -----------------------------------------------------------------------------
  /// REQUIRES: inside Application::on_request
  const http::RequestHead& head() const noexcept;
  Peer peer() const noexcept;
  /// What the application keeps with the connection, until it is closed (its addresses, say).
  base::Attachment& attachment() noexcept;

  /// Becomes the one who is told. REQUIRES: inside Application::on_request, once
  void attach(RequestHandler& handler) noexcept;

  /// True when nothing of the body is still to be taken: bodyless, or all taken.
  bool body_complete() const noexcept;
  /// What has come of the body and was not taken: may be empty. Valid until the next call into the
  /// exchange or the end of the current callback. Reading goes on as it is drained.
  struct Body {
    std::span<const std::string_view> pieces;  ///< in order
    std::size_t size;                          ///< of all of them
    bool more;                                 ///< false: they are the last
  };
  /// True when take_body() would give bytes or the end.
  bool body_ready() const noexcept;
  /// How many bytes that would be.
  std::size_t body_bytes_ready() const noexcept;
  /// REQUIRES: body_ready(). The bytes count as taken: drops what an earlier call gave.
  Body take_body();
  /// Asks for one on_body_ready(), out of a later dispatch, which may take the body. Also sends
  /// `100 Continue` when the client waits for it. REQUIRES: !body_ready()
  void await_body();

  // --- the response ----------------------------------------------------------------------------
  /// Starts the response; nothing is written to the wire before the first send_body.
  void begin_response(int status, bool announces_trailers);
  bool response_begun() const noexcept;
  /// As ResponseWriter::add_field. After an error the caller gives up with fail().
  http::FieldError add_field(std::string_view name, std::string_view value);
  /// A piece of body, copied. `last`: the response is complete with it (unless trailers were
  /// announced). May be empty. REQUIRES: response_begun()
  SendResult send_body(std::string_view bytes, bool last);
  /// The same, kept by reference until it is sent: for large pieces.
  SendResult send_body(base::OwnedSlice bytes, bool last);
  /// After the last piece when trailers were announced: field lines, checked by is_token and
  /// is_field_value. Ends the response. Dropped when the client does not take trailers.
  void send_trailers(std::string_view field_lines);
  /// True when announced trailers are awaited after the last piece.
  bool awaits_trailers() const noexcept;

  // --- a WebSocket: see Application::on_web_socket ----------------------------------------------
  /// Starts the response that accepts it (101); add_field may follow. Nothing is written yet.
  void begin_upgrade();
  /// Accepts it: the head leaves, the exchange ends, `handler` is told from now on. Null when
  /// memory ran out: the exchange ends with on_disconnect, from the next dispatch.
  /// REQUIRES: begin_upgrade()
  WebSocket* upgrade(WebSocketHandler& handler);

  /// The application failed: 500 when nothing was sent, else the connection is cut so that the
  /// client sees a truncated response. Ends the exchange.
  void fail();
  /// Cuts the connection without an answer. Ends the exchange.
  void abort();
  /// The client has sent FIN: see RequestHandler::on_peer_finished.
  bool peer_finished() const noexcept;

 private:
  friend class Session;
  explicit Exchange(Session& session) noexcept : session_(&session) {}

  Session* session_;
};

}  // namespace ringhorn::net
