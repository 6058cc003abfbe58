/// Application is what stands above `net`: it is told of each request and answers it through the
/// Exchange. Declared here, implemented by `asgi` and by the tests; `net` never learns who it is.
#pragma once

namespace ringhorn::ws {
class Handshake;
}

namespace ringhorn::net {

class Exchange;

/// The application's end of one exchange. Attached with Exchange::attach.
class RequestHandler {
 public:
  /// Bytes of the body, or its end, are there to take. Called once per Exchange::await_body().
  virtual void on_body_ready() = 0;
  /// The output has fallen to the low-water mark after send_body() had answered `wait`. Every call
  /// that was told to wait may go on.
  virtual void on_writable() = 0;
  /// The client is gone, or the server gave up on it (timeout, bad chunk, forced stop). The
  /// exchange is detached before this call and must not be touched any more.
  virtual void on_disconnect() = 0;
  /// The client has sent FIN behind its complete request. Most clients that do so are gone, but
  /// some
  /// (`nc`, `curl` over some proxies) wait for the answer: it is still sent in full. Who waits for
  /// the client to leave may take this as the answer (robustness 40, 41). At most once.
  virtual void on_peer_finished() {}

 protected:
  ~RequestHandler() = default;
};

class Application {
 public:
  /// A request's head has come. `exchange.head()` is valid during this call only. The application
  /// attaches a RequestHandler and may answer at once, later, or in parts.
  virtual void on_request(Exchange& exchange) = 0;
  /// A client asks for a WebSocket with a valid handshake, which is readable during this call only.
  /// The application attaches a RequestHandler, as above, and ends the exchange with upgrade() or
  /// denies the WebSocket by answering as it would any request.
  virtual void on_web_socket(Exchange& exchange, const ws::Handshake& handshake) = 0;

 protected:
  ~Application() = default;
};

}  // namespace ringhorn::net
