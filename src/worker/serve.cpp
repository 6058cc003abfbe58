// A worker at work.
#include <malloc.h>

#include <algorithm>
#include <string>

#include <ringhorn/telemetry/banner.hpp>

#include "collector.hpp"
#include "settings.hpp"
#include "worker.hpp"

namespace ringhorn::worker {

namespace {

/// How long idle connections are kept open for a last request.
constexpr base::Nanoseconds idle_at_retirement_ns = 2 * base::ns_per_s;
constexpr base::Nanoseconds idle_at_end_ns = base::ns_per_s;

/// How often the loop shows that it turns: often enough for the check, never a burden.
base::Nanoseconds heartbeat_ns(const config::Options& options) {
  const double check = options.timeout_worker_healthcheck;
  // Limits are looked at with it.
  const base::Nanoseconds longest =
      config::recycles(options) ? base::ns_per_s / 10 : base::ns_per_s;
  return check > 0 ? std::min(to_ns(check / 4) + 1, longest) : longest;
}

/// Bodies are large, come and go. As it is set up, glibc gives their pages back to the system at
/// each end and has them cleared and mapped anew at each beginning: a tenth of what the echo of a
/// body of 100 KB costs (2026-11-21).
void keep_freed_pages() {
#ifdef M_TRIM_THRESHOLD
  constexpr int kept_bytes_max = 16 << 20;
  constexpr int mapped_bytes_min = 4 << 20;
  ::mallopt(M_TRIM_THRESHOLD, kept_bytes_max);
  ::mallopt(M_MMAP_THRESHOLD, mapped_bytes_min);
#endif
}

}  // namespace

/// Until somebody asks to stop.
void Worker::serve() {
  signals_.allow_graceful();
  keep_freed_pages();
  settle_collector();
  server_->start();
  signals_.on_fork([this] { server_->drop_copies(); });
  // Out of the running loop: whoever reads the line may send a signal at once.
  Alarm first_turn([this] { say_ready(); });
  driver_->timers().arm(first_turn, driver_->now_ns());
  run_loop();
  driver_->timers().disarm(first_turn);
}

void Worker::say_ready() {
  if (link_) {
    if (config::recycles(options_)) {
      wear_.emplace(options_, base::monotonic_ns());
    }
    link_->start();
    link_->say(sock::Word::ready);
  } else {
    for (const sock::Listening& listening : listeners_) {
      log_.info(telemetry::running_on(listening.to_string(), log_));
    }
  }
  tell_manager();
}

void Worker::make_link() {
  loop_->note_phase(surroundings_.supervision->entry->phase);
  link_ = std::make_unique<SupervisorLink>(
      *driver_, *surroundings_.supervision, heartbeat_ns(options_),
      SupervisorLink::Listener{[this](sock::Word word) { on_word(word); }, [this] { on_beat(); },
                               [this] { on_lost(); }});
}

void Worker::on_stop_signal() {
  if (link_) {
    link_->say(sock::Word::leaving);
  } else {
    stop_loop();  // of serving, or of announcing the end
  }
}

void Worker::on_word(sock::Word word) {
  switch (word) {
    case sock::Word::announce:
      return server_->announce_drain();
    case sock::Word::retire:
      // Somebody else serves: the queue is theirs, and nothing presses. Who develops wants the next
      // answer from the new code.
      return begin_drain({.takes_queue = false,
                          .seals = false,
                          .idle_ns = options_.reload ? 0 : idle_at_retirement_ns});
    case sock::Word::finish:
      return begin_drain({.takes_queue = true, .seals = false, .idle_ns = idle_at_end_ns});
    case sock::Word::share:
    case sock::Word::own:
      shared_ = word == sock::Word::share;
      return;
    case sock::Word::hurry:
      hurry();
      return begin_drain({});
    default:
      return;
  }
}

/// The supervisor is gone. What it held is ours to end, unless another program serves it.
void Worker::on_lost() {
  begin_drain({.takes_queue = !shared_, .seals = !shared_});
}

void Worker::on_beat() {
  const std::string reason =
      wear_ ? wear_->take_reason(server_->finished_count(), base::monotonic_ns()) : std::string();
  if (!reason.empty()) {
    link_->say(sock::Word::spent, reason);
  }
}

void Worker::begin_drain(const net::Drain& drain) {
  if (!told_) {
    told_ = true;
    drain_ = drain;
    stop_loop();
  }
}

void Worker::tell_manager() {
  if (surroundings_.manager == nullptr) {
    return;
  }
  surroundings_.manager->ready("Serving " + options_.app);
  if (surroundings_.manager->watchdog_ns()) {
    watchdog_ = std::make_unique<Alarm>([this] { show_life(); });
    show_life();
  }
}

/// From the loop: when the application blocks it, the manager gets nothing to hear.
void Worker::show_life() {
  surroundings_.manager->alive();
  driver_->timers().arm(*watchdog_, base::monotonic_ns() + *surroundings_.manager->watchdog_ns());
}

}  // namespace ringhorn::worker
