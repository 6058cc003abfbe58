/// Templates is the supervisor's table of template processes (--preload): each has imported the
/// application, and workers are forked from it. Pure as the Fleet, beside which it stands: it makes
/// no process and reads no clock.
///
/// Theory. A template lives
///
///     loading ──► ready ──► leaving ──► (gone)
///        └──► ending ──────────┘
///
/// *ending*: it has not imported in time and was told to die; *leaving*: nobody needs it any more.
/// A ready template belongs to a *generation* of the Fleet, whose workers come from it. Needed are
/// the one of the generation that is wanted, and the one of the generation that is proven as long
/// as that may become the wanted one again: when the new code is imported, but does not start. One
/// at a time is loading. It is started when a reload was asked for, or when the wanted generation
/// has none. A reload that comes while one is loading has the next one loaded after it: what the
/// first has read already may be old.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include <ringhorn/base/clock.hpp>

#include "backoff.hpp"

namespace ringhorn::supervisor {

struct Template {
  enum class Phase : std::uint8_t { loading, ready, ending, leaving };

  pid_t pid = 0;
  unsigned generation = 0;  ///< 0: not ready yet
  Phase phase = Phase::loading;
  bool renews = false;  ///< made for a reload
  base::Nanoseconds started_ns = 0;
  base::Nanoseconds ready_ns = 0;     ///< 0: never was
  base::Nanoseconds deadline_ns = 0;  ///< of the phase; Templates::never: none
};

struct TemplateOrder {
  enum class Kind : std::uint8_t {
    start,      ///< report with on_started or on_start_failed
    dismiss,    ///< it waits, and shall end
    terminate,  ///< it still imports, and nobody waits for it any more
    abort,      ///< it has not imported in time: have it say where it stands, and die
    kill,       ///< it has not gone in time
  };
  Kind kind;
  pid_t pid;  ///< 0 for start
};

/// What the end of a template means.
struct TemplateDeparture {
  Template gone;
  bool expected = false;          ///< it was told to go
  bool fatal = false;             ///< it is the first, and the application cannot be imported
  bool reload_failed = false;     ///< the old code stays
  base::Nanoseconds wait_ns = 0;  ///< before the next one
};

class Templates {
 public:
  static constexpr base::Nanoseconds never = INT64_MAX;

  struct Settings {
    base::Nanoseconds startup_ns = 0;                 ///< for the import; 0: no limit
    base::Nanoseconds abort_ns = base::ns_per_s;      ///< from abort to kill
    base::Nanoseconds leave_ns = 5 * base::ns_per_s;  ///< from dismiss to kill
  };

  /// Those of the Fleet at this moment.
  struct Generations {
    unsigned proven;  ///< 0: none
    unsigned wanted;
  };

  explicit Templates(const Settings& settings) : settings_(settings) {}

  // --- what has happened ------------------------------------------------------------------------
  void on_started(pid_t pid, base::Nanoseconds now_ns);
  void on_start_failed(base::Nanoseconds now_ns);
  /// It has imported the application; workers of `generation` come from it.
  void on_ready(pid_t pid, unsigned generation, base::Nanoseconds now_ns);
  /// Empty when `pid` is nobody of ours.
  std::optional<TemplateDeparture> on_exited(pid_t pid, const Generations& generations,
                                             base::Nanoseconds now_ns);

  // --- what somebody wants ----------------------------------------------------------------------
  /// The code shall be read anew.
  void reload();
  /// Everybody shall go.
  void stop() noexcept { stopping_ = true; }

  // --- what to do -------------------------------------------------------------------------------
  std::optional<TemplateOrder> next(const Generations& generations, base::Nanoseconds now_ns);
  /// When next() may have something to do although nothing has happened; `never` if not.
  base::Nanoseconds next_deadline_ns(base::Nanoseconds now_ns) const;

  // --- how things are ---------------------------------------------------------------------------
  const std::vector<Template>& all() const noexcept { return all_; }
  /// Null when `pid` is nobody of ours.
  const Template* find(pid_t pid) const noexcept;
  /// Whom workers of `generation` come from; null when there is nobody.
  const Template* source_of(unsigned generation) const noexcept;
  /// The code of a reload is not imported yet.
  bool renewing() const noexcept;

 private:
  Template* find_mutable(pid_t pid) noexcept;
  bool loads() const noexcept;
  bool needed(const Template& one, const Generations& generations) const noexcept;
  TemplateOrder order(Template& one, TemplateOrder::Kind kind, Template::Phase phase,
                      base::Nanoseconds deadline_ns);

  Settings settings_;
  std::vector<Template> all_;  ///< as they were started
  Backoff backoff_;
  base::Nanoseconds retry_ns_ = 0;
  bool reload_asked_ = false;
  bool stopping_ = false;
};

}  // namespace ringhorn::supervisor
