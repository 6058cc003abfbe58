/// ServerState is what the listeners, connections and sessions of one Server share: the lists that
/// own them, the pools that they borrow from, the deadlines, the counters. It has the one timer and
/// the one flush hook of the server, so that a request touches neither heap nor clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/http/section_cache.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/io/timer.hpp>
#include <ringhorn/net/server.hpp>
#include <ringhorn/ws/deflate.hpp>

#include "connection.hpp"
#include "default_fields.hpp"
#include "fair_share.hpp"
#include "listener.hpp"
#include "output_queue.hpp"
#include "rate_limit.hpp"
#include "reserve.hpp"
#include "session.hpp"
#include "timeouts.hpp"

namespace ringhorn::net {

class ServerState final : private io::FlushHook, private io::Timer {
 public:
  ServerState(io::Driver& driver, Application& application, telemetry::Log& log,
              const Settings& settings);
  /// REQUIRES: idle()
  ~ServerState();

  // --- as in Server -----------------------------------------------------------------------------
  /// The contracts stand in server.hpp.
  void listen(base::UniqueFd socket, const sock::Address& address, sock::Hold hold);
  void start();
  void announce_drain() noexcept { leaving_ = true; }
  void drain(const Drain& drain, std::function<void()> on_idle);
  void hurry();
  void abort_all();
  void drop_copies() noexcept;
  bool idle() noexcept;
  std::size_t connection_count() const noexcept { return connection_count_; }
  std::size_t exchange_count() const noexcept { return exchange_count_; }
  std::uint64_t finished_count() const noexcept { return finished_count_; }

  // --- for the parts of the server --------------------------------------------------------------
  io::Driver& driver() noexcept { return *driver_; }
  Application& application() noexcept { return *application_; }
  telemetry::Log& log() noexcept { return *log_; }
  const Settings& settings() const noexcept { return settings_; }
  DefaultFields& fields() noexcept { return fields_; }
  OutputPool& output_pool() noexcept { return output_pool_; }
  http::SectionCache& sections() noexcept { return sections_; }
  ws::DeflatePool& deflate_pool() noexcept { return deflate_pool_; }
  base::Nanoseconds now_ns() const noexcept { return driver_->now_ns(); }
  bool draining() const noexcept { return draining_; }
  /// No connection is to be kept any more: it drains, or will soon.
  bool leaving() const noexcept { return leaving_; }
  /// How long an idle connection is kept while the server drains.
  base::Nanoseconds idle_ns() const noexcept { return drain_.idle_ns; }
  /// Nothing that comes is served any more.
  bool aborting() const noexcept { return aborting_; }
  RateLimit& accept_error_lines() noexcept { return accept_error_lines_; }
  RateLimit& concurrency_lines() noexcept { return concurrency_lines_; }
  Reserve& reserve() noexcept { return reserve_; }
  /// Whether a newcomer is to be left to another worker for FairShare::yield_ns.
  bool yields() noexcept { return share_.yields(connection_count_, now_ns()); }
  /// Nobody is to wait for this server while it cannot accept (lesson 57).
  void accepts(bool can) noexcept { can ? share_.join(connection_count_) : share_.leave(); }

  /// Arms `timeout` by the duration of its kind, from the beginning of the current dispatch on.
  void arm(Timeout& timeout, TimeoutKind kind) { wake_at(timeouts_.arm(timeout, kind, now_ns())); }
  /// The timer runs no later than this.
  void wake_at(base::Nanoseconds deadline_ns);
  /// Connection::flush() is called at the end of the turn. REQUIRES: not asked for already
  void flush_later(Connection& connection) {
    if (dirty_.empty()) {
      driver_->want_flush();
    }
    dirty_.push_back(connection);
  }
  /// Connection::resume() is called from the next dispatch. REQUIRES: not asked for already
  void resume_later(Connection& connection);

  /// A session that is open on `connection`; it comes back through give_session, closed.
  Session* take_session(Connection& connection);
  void give_session(Session& session) noexcept;
  /// The counters. Every exchange that started ends once, finished or not.
  void exchange_started() noexcept { ++exchange_count_; }
  void exchange_ended() noexcept { --exchange_count_; }
  void response_finished() noexcept { ++finished_count_; }
  /// Connections whose last request was a health check: they do not count as load.
  void probe_opened() noexcept { ++probe_count_; }
  void probe_closed() noexcept { --probe_count_; }
  /// Whether one exchange more, on the connections that there are, would be too many.
  bool over_concurrency() const noexcept;

  /// Takes what a listener has accepted: starts it now, or owes it to a later turn.
  void admit(base::UniqueFd socket, Listener& listener);
  void on_listener_stopped();
  /// Its last operation has ended: the connection is destroyed and its socket closed.
  void on_connection_closed(Connection& connection);

 private:
  /// Accepted, and not yet started.
  struct Owed {
    base::UniqueFd socket;
    Listener* listener;
  };
  /// More than these are not kept for later: a burst must not hold its memory for ever.
  static constexpr std::size_t free_sessions_max = 128;

  void on_flush() override;
  void on_expired() override;
  void resume_all();
  void start_owed();
  void start_connection(base::UniqueFd socket, Listener& listener);
  void call_listeners();
  void arm_timer();
  /// Has the drainer told, from the next dispatch, when nothing is left.
  void finish_drain();

  io::Driver* driver_;
  Application* application_;
  telemetry::Log* log_;
  Settings settings_;
  DefaultFields fields_;
  OutputPool output_pool_;
  http::SectionCache sections_;
  ws::DeflatePool deflate_pool_;
  Timeouts timeouts_;
  RateLimit accept_error_lines_{10 * base::ns_per_s};
  RateLimit concurrency_lines_{base::ns_per_s};
  Reserve reserve_;
  FairShare share_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  base::IntrusiveList<Connection, ConnectionsTag> connections_;
  base::IntrusiveList<Connection, DirtyTag> dirty_;
  base::IntrusiveList<Connection, ResumeTag> resumed_;
  std::vector<std::unique_ptr<Session>> free_sessions_;
  std::deque<Owed> owed_;
  std::size_t connection_count_ = 0;
  std::size_t probe_count_ = 0;
  std::size_t exchange_count_ = 0;
  std::uint64_t finished_count_ = 0;
  unsigned started_this_turn_ = 0;
  bool draining_ = false;
  bool leaving_ = false;
  Drain drain_;
  bool aborting_ = false;
  std::function<void()> on_idle_;
};

}  // namespace ringhorn::net
