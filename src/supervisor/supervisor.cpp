#include "supervisor.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include <ringhorn/telemetry/banner.hpp>

#include "narrative.hpp"

namespace ringhorn::supervisor {

namespace {

Fleet::Settings fleet_settings(const config::Options& options) {
  Fleet::Settings settings;
  settings.count = options.workers.value_or(1);
  settings.startup_ns = config::to_ns(options.timeout_startup);
  settings.members_max = telemetry::Board::entry_count;
  settings.vacates = options.reload;
  settings.grace_ns = config::to_ns(config::grace_under_supervisor(options));
  return settings;
}

}  // namespace

bool is_wanted(const config::Options& options) {
  const bool wanted =
      options.workers || options.reload || options.preload || config::recycles(options);
  return wanted && !options.check_config;
}

int run(const config::Options& options, telemetry::Log& log, const Surroundings& surroundings) {
  return Supervisor(options, log, surroundings).run();
}

Supervisor::Supervisor(const config::Options& options, telemetry::Log& log,
                       const Surroundings& surroundings)
    : options_(options),
      log_(log),
      surroundings_(surroundings),
      fleet_(fleet_settings(options)),
      now_ns_(base::monotonic_ns()),
      awake_since_ns_(now_ns_) {
  if (options.preload) {
    templates_.emplace(Templates::Settings{.startup_ns = config::to_ns(options.timeout_startup)});
  }
}

int Supervisor::run() {
  if (!open()) {
    return exit_startup_failed;
  }
  log_.info(telemetry::started_parent_process(::getpid(), log_));
  while (ending_ < Ending::begun || !deserted()) {
    carry_out_orders();
    wait();
    take_signals();
    hear_workers();
    hear_templates();
    hear_changes();
    hear_the_other();
    reap();
    look_after();
  }
  if (!shares_sockets()) {
    std::for_each(listeners_.begin(), listeners_.end(), sock::remove_file);
  }
  if (successor_) {
    // It takes our place, the pid file's too, when this end is closed: not before we are gone.
    ::fcntl(successor_->channel.fd(), F_DUPFD_CLOEXEC, 0);
  }
  log_.info(telemetry::stopping_parent_process(::getpid(), log_));
  return status_;
}

/// Nobody is left, and nobody is on the way.
bool Supervisor::deserted() const noexcept {
  return fleet_.members().empty() && !birth_ && (!templates_ || templates_->all().empty());
}

bool Supervisor::open() {
  auto board = telemetry::Board::make();
  if (!board) {
    log_.error(board.error());
    return false;
  }
  board_ = board.take_value();
  if (templates_) {
    // Workers are made by a process between them and their template: when it is gone, they are
    // ours.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  }
  return open_sockets() && (!options_.reload || open_changes());
}

bool Supervisor::open_sockets() {
  if (!surroundings_.succession.empty()) {
    return take_over_sockets();
  }
  auto listeners = open_listeners(options_, surroundings_.activated);
  if (!listeners) {
    log_.error(listeners.error());
    return false;
  }
  listeners_ = listeners.take_value();
  return true;
}

bool Supervisor::open_changes() {
  auto changes = ChangeWatch::make(options_);
  if (!changes) {
    log_.error(changes.error());
    return false;
  }
  changes_ = changes.take_value();
  log_.info(told_directories(changes_->directories()));
  return true;
}

void Supervisor::hear_workers() {
  for (const Child& child : children_) {
    sock::Message message{};
    while (child.channel.hear(message) == sock::Channel::State::message) {
      hear(child, message);
    }
  }
}

void Supervisor::hear(const Child& child, const sock::Message& message) {
  switch (message.word) {
    case sock::Word::ready: {
      const bool proven = fleet_.proven();
      fleet_.on_ready(child.pid, now_ns_);
      if (!proven && fleet_.proven()) {
        on_first_ready();
      }
      break;
    }
    case sock::Word::spent:
      log_.info(told_spent(child.pid, message.text));
      fleet_.on_spent(child.pid);
      break;
    case sock::Word::leaving:
      fleet_.on_spent(child.pid);
      break;
    default:
      log_.warning("A worker said something that only the supervisor says.");
      break;
  }
}

void Supervisor::hear_changes() {
  if (!changes_) {
    return;
  }
  changes_->look(now_ns_);
  const std::vector<std::string> paths = changes_->take_due(now_ns_);
  if (!paths.empty()) {
    reload(told_changes(paths));
  }
}

void Supervisor::on_first_ready() {
  if (predecessor_) {
    predecessor_->channel.say(sock::Word::ready);
  }
  for (const sock::Listening& listening : listeners_) {
    if (listening.share.value_or(0) == 0) {
      log_.info(telemetry::running_on(listening.to_string(), log_));
    }
  }
  tell_manager();
}

void Supervisor::tell_manager() {
  surroundings_.manager.ready("Serving " + options_.app + " with " +
                              std::to_string(fleet_.ready_count()) + " of " +
                              std::to_string(fleet_.count()) + " workers");
  alive_ns_ = std::min(alive_ns_, now_ns_);
}

/// It watches this loop; the workers' are watched from here.
void Supervisor::show_life() {
  const auto interval_ns = surroundings_.manager.watchdog_ns();
  if (interval_ns && alive_ns_ <= now_ns_) {
    surroundings_.manager.alive();
    alive_ns_ = now_ns_ + *interval_ns;
  }
}

/// Every child that has ended, known or not: as PID 1 of a container we get the orphans of others.
void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (successor_ && successor_->pid == pid) {
      bury_successor(status);
      continue;
    }
    if (auto gone =
            templates_ ? templates_->on_exited(pid, generations(), now_ns_) : std::nullopt) {
      bury_template(*gone, status);
      continue;
    }
    if (fleet_.member(pid) == nullptr) {
      hear_birth();  // it has said who it was before it could end
    }
    const auto departure = fleet_.on_exited(pid, now_ns_);
    if (!departure) {
      log_.debug("Reaped process [" + std::to_string(pid) + "], which is none of the workers.");
      continue;
    }
    if (const Child* child = find(pid)) {
      board_.take_back(child->entry);
    }
    std::erase_if(children_, [pid](const Child& child) { return child.pid == pid; });
    bury(*departure, status);
  }
}

void Supervisor::bury(const Departure& departure, int status) {
  if (departure.expected) {
    log_.debug(told_end(departure.member, status, now_ns_));
    return;
  }
  log_.error(told_death(departure, status, now_ns_));
  if (departure.fatal) {
    fail_start();
  }
  if (departure.reload_failed) {
    fail_reload(departure.member.generation, false);
  }
}

void Supervisor::fail_start() {
  if (ending_ < Ending::begun) {
    status_ = exit_startup_failed;
    begin_end();
  }
}

void Supervisor::fail_reload(unsigned generation, bool goes_on) {
  reloading_ = goes_on;
  log_.error(told_reload_failure(generation, fleet_.wanted_generation()));
  tell_manager();
}

/// Who does not turn any more, and what has come to its end.
void Supervisor::look_after() {
  for (const Member& member : fleet_.members()) {
    if (member.stage == Stage::ready && !member.silent && health_deadline_ns(member) <= now_ns_) {
      fleet_.on_silent(member.pid);
    }
  }
  if (ending_ == Ending::announced && announced_until_ns_ <= now_ns_) {
    begin_end();
  }
  tell_reload();
  show_life();
}

void Supervisor::tell_reload() {
  const bool loading = templates_ && templates_->renewing();
  if (reloading_ && !loading && fleet_.settled()) {
    reloading_ = false;
    log_.info(told_reload(fleet_.ready_count(), fleet_.wanted_generation()));
    tell_manager();
  }
}

base::Nanoseconds Supervisor::health_deadline_ns(const Member& member) const {
  const Child* child = find(member.pid);
  if (options_.timeout_worker_healthcheck == 0 || child == nullptr) {
    return Fleet::never;
  }
  // The board is shared memory that only this worker writes.
  auto& entry = const_cast<telemetry::Board&>(board_).entry(child->entry);
  const base::Nanoseconds seen_ns = std::max(
      {entry.heartbeat_ns.load(std::memory_order_relaxed), member.ready_ns, awake_since_ns_});
  return seen_ns + config::to_ns(options_.timeout_worker_healthcheck);
}

base::Nanoseconds Supervisor::next_deadline_ns() const {
  base::Nanoseconds next = fleet_.next_deadline_ns(now_ns_);
  if (surroundings_.manager.watchdog_ns()) {
    next = std::min(next, alive_ns_);
  }
  if (changes_) {
    next = std::min(next, changes_->deadline_ns());
  }
  if (templates_) {
    next = std::min(next, templates_->next_deadline_ns(now_ns_));
  }
  if (birth_) {
    next = std::min(next, birth_->deadline_ns);
  }
  for (const Member& member : fleet_.members()) {
    if (member.stage == Stage::ready && !member.silent) {
      next = std::min(next, health_deadline_ns(member));
    }
  }
  return ending_ == Ending::announced ? std::min(next, announced_until_ns_) : next;
}

void Supervisor::wait() {
  polled_.assign(1, {signals_.fd(), POLLIN, 0});
  for (const Child& child : children_) {
    polled_.push_back({child.channel.fd(), POLLIN, 0});
  }
  for (const Source& source : sources_) {
    polled_.push_back({source.channel.fd(), POLLIN, 0});
  }
  if (birth_) {
    polled_.push_back({birth_->channel.fd(), POLLIN, 0});
  }
  if (predecessor_) {
    polled_.push_back({predecessor_->channel.fd(), POLLIN, 0});
  }
  if (successor_) {
    polled_.push_back({successor_->channel.fd(), POLLIN, 0});
  }
  if (changes_) {
    polled_.push_back({changes_->fd(), POLLIN, 0});
  }
  const base::Nanoseconds deadline_ns = next_deadline_ns();
  const base::Nanoseconds before_ns = base::monotonic_ns();
  timespec limit{};
  const bool limited = deadline_ns != Fleet::never;
  if (limited) {
    const base::Nanoseconds left_ns = std::max<base::Nanoseconds>(deadline_ns - before_ns, 0);
    limit = {left_ns / base::ns_per_s, left_ns % base::ns_per_s};
  }
  ::ppoll(polled_.data(), polled_.size(), limited ? &limit : nullptr, nullptr);
  now_ns_ = base::monotonic_ns();
  // A whole container may have been frozen, and we with the workers: they get their time again.
  constexpr base::Nanoseconds late_ns = base::ns_per_s;
  if (limited && now_ns_ > std::max(deadline_ns, before_ns) + late_ns) {
    awake_since_ns_ = now_ns_;
  }
}

}  // namespace ringhorn::supervisor
