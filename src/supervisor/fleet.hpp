/// Fleet is the supervisor's table of workers: who lives in which slot, of which generation, in
/// which stage, and what is to be done next. Pure: it makes no process, sends no signal and reads
/// no clock, so that every story of reload, recycling and death is a test without a process.
///
/// Theory. A *slot* is a place for one worker that serves. A worker is
///
///     starting ──► ready ──► draining ──► (gone)
///         └──────────┴──────────┴──► ending ──► (gone)
///
/// *ending*: it was told to die. A slot wants one ready worker of the wanted *generation* (a count
/// of reloads), not *spent*. When its worker is outdated or spent, a successor is started beside
/// it; only when that one is ready is the old one told to drain. So nothing is taken away before
/// its replacement serves, whatever the reason. Successors come one by one until one of the
/// generation has become ready, and a few at a time from then on. A first worker of a generation
/// that does not start ends the reload: the wanted generation becomes the proven one again.
///
/// A fleet that *vacates* (for development) is the other way round: a reload takes the old workers
/// away at once, so that nobody is answered by old code, and a worker that does not start leaves
/// its slot empty until the next reload.
///
/// All that happens is told by `on_*`, `reload`, `resize` and `stop`; what to do is asked by next()
/// until it has no more, and each order that it gives counts as carried out.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <ringhorn/base/clock.hpp>

#include "backoff.hpp"

namespace ringhorn::supervisor {

enum class Stage : std::uint8_t { starting, ready, draining, ending };

struct Member {
  pid_t pid = 0;
  unsigned slot = 0;
  unsigned generation = 0;
  Stage stage = Stage::starting;
  bool spent = false;   ///< asked to be replaced
  bool silent = false;  ///< its loop stands still
  base::Nanoseconds started_ns = 0;
  base::Nanoseconds ready_ns = 0;     ///< 0: never was
  base::Nanoseconds deadline_ns = 0;  ///< of the stage; Fleet::never: none
};

struct Order {
  enum class Kind : std::uint8_t {
    spawn,      ///< start a worker in `slot`; report with on_spawned or on_spawn_failed
    retire,     ///< its successor serves
    finish,     ///< the server ends
    terminate,  ///< it is not ready yet, and nobody waits for it any more
    abort,      ///< it stands still, or has not started in time: have it say where, and die
    kill,       ///< it has not gone in time
  };
  Kind kind;
  unsigned slot;
  unsigned generation;
  pid_t pid;  ///< 0 for spawn
};

/// Whether a worker could be started now.
enum class Births : std::uint8_t { possible, impossible };

/// What the end of a worker means.
struct Departure {
  Member member;
  bool expected = false;          ///< it was told to go
  bool fatal = false;             ///< it is the first of all, and did not start
  bool reload_failed = false;     ///< … of its generation; the old workers stay
  bool left_empty = false;        ///< its slot is, until the next reload
  base::Nanoseconds wait_ns = 0;  ///< before its slot is filled again
};

class Fleet {
 public:
  static constexpr base::Nanoseconds never = INT64_MAX;

  struct Settings {
    unsigned count = 1;                               ///< of slots at the start
    base::Nanoseconds startup_ns = 0;                 ///< for a worker to become ready; 0: no limit
    base::Nanoseconds grace_ns = 0;                   ///< for a worker to drain
    base::Nanoseconds abort_ns = base::ns_per_s;      ///< from abort to kill
    base::Nanoseconds leave_ns = 5 * base::ns_per_s;  ///< from terminate, or hurry, to kill
    std::size_t members_max = 512;
    bool vacates = false;
  };

  explicit Fleet(const Settings& settings);

  // --- what has happened ------------------------------------------------------------------------
  /// The order to spawn was carried out.
  void on_spawned(const Order& order, pid_t pid, base::Nanoseconds now_ns);
  void on_spawn_failed(const Order& order, base::Nanoseconds now_ns);
  /// True when this is the first worker of its generation.
  bool on_ready(pid_t pid, base::Nanoseconds now_ns);
  /// It wants to be replaced.
  void on_spent(pid_t pid);
  /// It has given no sign of life for too long.
  void on_silent(pid_t pid);
  /// Empty when `pid` is nobody of ours.
  std::optional<Departure> on_exited(pid_t pid, base::Nanoseconds now_ns);

  // --- what somebody wants ----------------------------------------------------------------------
  /// Every worker shall be of a new generation. Two before the first worker starts are one.
  void reload();
  void resize(unsigned count);
  /// Everybody shall finish. Repeated calls add nothing.
  void stop();
  /// … and in `leave_ns` be gone. REQUIRES: stop() was called
  void hurry(base::Nanoseconds now_ns);

  // --- what to do -------------------------------------------------------------------------------
  std::optional<Order> next(base::Nanoseconds now_ns, Births births = Births::possible);
  /// When next() may have something to do although nothing has happened; `never` if not.
  base::Nanoseconds next_deadline_ns(base::Nanoseconds now_ns) const;

  // --- how things are ---------------------------------------------------------------------------
  const std::vector<Member>& members() const noexcept { return members_; }
  /// Null when `pid` is nobody of ours.
  const Member* member(pid_t pid) const noexcept;
  unsigned count() const noexcept { return count_; }
  unsigned ready_count() const noexcept;
  /// Every slot has a ready worker of the wanted generation, and nobody else is on the way.
  bool settled() const noexcept;
  bool stopping() const noexcept { return stopping_; }
  /// Some worker has been ready once.
  bool proven() const noexcept { return proven_ > 0; }
  unsigned wanted_generation() const noexcept { return wanted_; }
  /// The newest of which a worker has been ready; 0: none.
  unsigned proven_generation() const noexcept { return proven_; }

 private:
  struct Slot {
    Backoff backoff;
    base::Nanoseconds retry_ns = 0;
  };

  Member* find(pid_t pid) noexcept;
  const Member* in_slot(unsigned slot, Stage stage) const noexcept;
  unsigned starting_count() const noexcept;
  unsigned successors_max() const noexcept;
  bool outdated(const Member& member) const noexcept;
  bool unwanted(const Member& member) const noexcept;
  bool wants_worker(unsigned slot, base::Nanoseconds now_ns) const noexcept;
  /// A newer worker of its slot is ready. REQUIRES: it is ready itself
  bool superseded(const Member& member) const noexcept;
  std::optional<Order> overdue(base::Nanoseconds now_ns);
  std::optional<Order> dismissal(base::Nanoseconds now_ns);
  std::optional<Order> spawn(base::Nanoseconds now_ns);
  Order order(Member& member, Order::Kind kind, Stage stage, base::Nanoseconds deadline_ns);
  void note_failure(Departure& departure);

  Settings settings_;
  unsigned count_;
  unsigned wanted_ = 1;  ///< generation
  unsigned proven_ = 0;  ///< the newest of which a worker has been ready; 0: none
  bool stopping_ = false;
  std::vector<Slot> slots_;
  std::vector<Member> members_;
};

}  // namespace ringhorn::supervisor
