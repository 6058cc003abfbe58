/// Listener accepts on one bound socket and hands what it accepts to the server. Out of descriptors
/// or memory it pauses and tries again, while the connections that are held go on.
#pragma once

#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/io/accept.hpp>
#include <ringhorn/sock/address.hpp>

namespace ringhorn::net {

class ServerState;

class Listener final : private io::AcceptHandler {
 public:
  /// `socket` is bound and listening, and closed when accepting has ended. Its options are set so
  /// that accepted sockets inherit them. REQUIRES: the server outlives it
  Listener(ServerState& server, base::UniqueFd socket, const sock::Address& address);

  /// Begins to accept. REQUIRES: neither started nor stopped
  void start();
  /// Ends, out of a later dispatch, after what waits in the kernel's queue was accepted
  /// (robustness 85). Started or not; a second call adds nothing.
  void stop();
  /// The socket is closed and nothing is in flight.
  bool stopped() const noexcept { return state_ == State::stopped; }

  /// When a paused one tries again; Timeouts::never when it is not paused.
  base::Nanoseconds retry_ns() const noexcept { return retry_ns_; }
  /// REQUIRES: paused, that is retry_ns() has come
  void retry();

  /// What the server's end of accepted connections is called; valid as long as the listener.
  const sock::Address& address() const noexcept { return address_; }

 private:
  /// idle → accepting ⇄ paused → stopping → stopped
  enum class State : std::uint8_t { idle, accepting, paused, stopping, stopped };

  void on_accepted(base::UniqueFd socket) override;
  void on_accept_error(int error) override;
  void on_accept_stopped() override;

  ServerState* server_;
  base::UniqueFd socket_;
  sock::Address address_;
  io::Accept accept_;
  State state_ = State::idle;
  base::Nanoseconds retry_ns_;
};

}  // namespace ringhorn::net
