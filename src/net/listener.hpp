/// Listener accepts on one bound socket and hands what it accepts to the server. Out of descriptors
/// or memory it pauses and tries again, while the connections that are held go on. When a lack of
/// descriptors lasts, those who wait are refused rather than left to wait.
///
/// Alone it has the driver accept as many as come. Where workers share the socket it is told that
/// somebody waits, and takes one per turn: every worker is told, so that whoever has time gets it,
/// and one that stands still keeps nobody waiting (lesson 55); who has more connections than
/// another lets that one go first (FairShare). The kernel's ways to wake only one of them wake the
/// same one again and again.
#pragma once

#include <cstdint>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/io/accept.hpp>
#include <ringhorn/io/poll.hpp>
#include <ringhorn/sock/listening.hpp>

namespace ringhorn::net {

class ServerState;
struct Drain;

class Listener final : private io::AcceptHandler, private io::PollHandler {
 public:
  /// `socket` is bound and listening, and closed when accepting has ended. Its options are set so
  /// that accepted sockets inherit them. REQUIRES: the server outlives it
  Listener(ServerState& server, base::UniqueFd socket, const sock::Address& address,
           sock::Hold hold);

  /// Begins to accept. REQUIRES: neither started nor stopped
  void start();
  /// Ends, out of a later dispatch, after what waits in the kernel's queue was accepted, where
  /// `drain` wants that (robustness 85). Started or not; a second call adds nothing but haste.
  void stop(const Drain& drain);
  /// As Server::drop_copies().
  void drop_copy() noexcept { socket_.reset(); }
  /// The socket is closed and nothing is in flight.
  bool stopped() const noexcept { return state_ == State::stopped; }

  /// When due() wants to be called; Timeouts::never when it does not.
  base::Nanoseconds due_ns() const noexcept { return due_ns_; }
  /// Goes on after a pause. REQUIRES: due_ns() has come
  void due();

  /// What the server's end of accepted connections is called; valid as long as the listener.
  const sock::Address& address() const noexcept { return address_; }

 private:
  static constexpr base::Nanoseconds long_ago_ns = INT64_MIN / 2;
  /// idle → accepting ⇄ paused → sealed → stopping → stopped; *sealed*: nobody new gets in, and
  /// those whose handshake is under way are waited for.
  enum class State : std::uint8_t { idle, accepting, paused, sealed, stopping, stopped };

  void on_accepted(base::UniqueFd socket) override;
  void on_accept_error(int error) override;
  void on_accept_stopped() override;
  void on_ready(short events) override;
  void on_poll_stopped() override;

  void watch();
  void pause(base::Nanoseconds duration_ns);
  /// Accepts one; false when nobody waits or it cannot.
  bool take_one();
  void stop_watching();

  ServerState* server_;
  base::UniqueFd socket_;
  sock::Address address_;
  sock::Hold hold_;
  io::Accept accept_;
  io::Poll poll_;
  State state_ = State::idle;
  bool takes_queue_ = false;
  base::Nanoseconds due_ns_;
  base::Nanoseconds failing_since_ns_ = 0;     ///< the first of a row of failures
  base::Nanoseconds failed_ns_ = long_ago_ns;  ///< the last one, if no success came after it
};

}  // namespace ringhorn::net
