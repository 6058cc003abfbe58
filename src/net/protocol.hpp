/// Protocol is what a Connection hands its bytes to: the HTTP/1.1 Session, or the WebSocketSession
/// that follows it after an upgrade. The connection calls it out of Driver::dispatch() only; each
/// call may end in Connection::on_session_done(), which takes the protocol off the connection.
#pragma once

#include <cstdint>
#include <span>

#include "timeouts.hpp"

namespace ringhorn::net {

class Protocol {
 public:
  /// `bytes` are the driver's and may be written to; what is needed later is copied.
  virtual void on_bytes(std::span<char> bytes) = 0;
  /// The peer has shut down its side: what is held is all there will ever be.
  virtual void on_peer_finished() = 0;
  /// The output fell to the low-water mark or below.
  virtual void on_output_low() = 0;
  virtual void on_timeout(TimeoutKind kind) = 0;
  /// The connection broke or is being cut.
  virtual void on_lost() = 0;
  /// What Connection::want_resume() has asked for.
  virtual void resume() = 0;
  /// The server stops: what can end soon by itself is to be ended then.
  virtual void on_drain() = 0;
  /// … and what has not ended by now is told to.
  virtual void on_hurry() = 0;

  /// Bytes that must still come for what has begun to be of any use; 0 when that cannot be told.
  virtual std::uint64_t body_bytes_missing() const noexcept = 0;

 protected:
  ~Protocol() = default;
};

}  // namespace ringhorn::net
