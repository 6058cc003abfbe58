/// Server owns the listeners and connections of one worker: accepts, limits, times out, drains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/http/head.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/net/application.hpp>
#include <ringhorn/net/web_socket.hpp>
#include <ringhorn/sock/address.hpp>
#include <ringhorn/sock/listening.hpp>
#include <ringhorn/telemetry/board.hpp>
#include <ringhorn/telemetry/log.hpp>

namespace ringhorn::net {

/// Who accepts on a listening socket.
enum class Sharing : std::uint8_t {
  alone,   ///< this server only
  shared,  ///< workers beside it too: whoever has time takes the next, and not more than one
};

/// The workers that accept from the same sockets, as a board shows them, which outlives the server.
/// None, or both are there: then a server that has more connections than another leaves newcomers
/// to that one.
struct Peers {
  const telemetry::Board* board = nullptr;
  telemetry::BoardEntry* mine = nullptr;
};

/// How draining treats what it did not begin.
struct Drain {
  /// Take the rest of each listener's queue; else it is left to whoever shares the socket.
  bool takes_queue = true;
  /// Let nobody new in meanwhile, on the listeners that are ours alone to end.
  bool seals = true;
  /// How long an idle connection is kept for a request that may be on its way, which is still
  /// answered, with `connection: close`.
  base::Nanoseconds idle_ns = 0;
};

/// Every bound and every time limit of `net`. Times are nanoseconds; 0 means no limit.
struct Settings {
  http::Limits limits;
  base::Nanoseconds keep_alive_ns = 5 * base::ns_per_s;  ///< idle between requests
  base::Nanoseconds header_ns = 10 * base::ns_per_s;     ///< from the first byte (or the accept)
  base::Nanoseconds body_ns = 30 * base::ns_per_s;       ///< without progress of a wanted body
  std::uint64_t body_rate_min = 1;  ///< bytes/s while a body is waited for, after body_ns of it
  base::Nanoseconds write_ns = 60 * base::ns_per_s;  ///< without progress of pending output
  base::Nanoseconds linger_ns = 5 * base::ns_per_s;  ///< read and discard after a refusal
  std::size_t linger_bytes_max = 16777216;           ///< … and for how many bytes
  std::size_t body_ahead_bytes_max = 65536;          ///< body read ahead of the application
  std::size_t drain_bytes_max = 65536;          ///< unread body swallowed after an early response
  base::Nanoseconds drain_ns = base::ns_per_s;  ///< … and for how long
  std::size_t output_high_bytes = 98304;        ///< send_body answers `wait` above
  std::size_t output_low_bytes = 16384;         ///< on_writable at or below
  std::size_t pipeline_bytes_max = 65536;  ///< pipelined bytes held while a request is answered
  unsigned concurrency_max = 0;            ///< connections or requests above: 503; 0 = no limit
  unsigned accepts_per_turn_max = 16;
  WebSocketSettings web_socket;
  Sharing sharing = Sharing::alone;
  Peers peers;
  bool access_log = true;
  std::string health_path;  ///< GET and HEAD of it are answered here, not above; empty: none
  bool date_header = true;
  std::string server_header = "ringhorn";  ///< empty: none
  std::string extra_fields;                ///< whole field lines of --header, checked
};

class ServerState;

class Server {
 public:
  /// All references must outlive the server.
  Server(io::Driver& driver, Application& application, telemetry::Log& log,
         const Settings& settings);
  /// REQUIRES: idle()
  ~Server();

  /// Serves a bound, listening socket. May be called for several.
  void listen(base::UniqueFd socket, const sock::Address& address,
              sock::Hold hold = sock::Hold::ours);
  /// Begins to accept on every listener.
  void start();

  /// Says that the end is near, and goes on serving: the health path answers 503, so that load
  /// balancers look away, and every response says `connection: close`. Repeated calls add nothing.
  void announce_drain();
  /// Stops accepting, gives idle connections `idle_ns` for a last request, and takes keep-alive
  /// from busy ones. `on_idle` is called once, from a dispatch, when the last connection is closed.
  void drain(const Drain& drain, std::function<void()> on_idle);
  /// Tells what has not ended by itself: `http.disconnect` to streams and polls, 1012 to
  /// WebSockets. May be called again for what has come since. REQUIRES: drain() was called
  void hurry();
  /// Stops accepting and cuts every connection that is left; with or without drain() before it. The
  /// on_idle of drain() still follows.
  void abort_all();

  /// Closes a forked child's copies of all sockets, so that a connection ends for its client when
  /// the parent closes it, and the address is free when the parent is gone. REQUIRES: the driver is
  /// inherited; the server is not used after it
  void drop_copies() noexcept;

  /// No listener, connection or operation is left.
  bool idle() const noexcept;
  std::size_t connection_count() const noexcept;
  /// Requests being answered.
  std::size_t exchange_count() const noexcept;
  /// Responses completed since the start.
  std::uint64_t finished_count() const noexcept;

 private:
  std::unique_ptr<ServerState> state_;
};

}  // namespace ringhorn::net
