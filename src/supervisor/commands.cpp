// What signals ask for, and the end.
#include <signal.h>

#include <ringhorn/telemetry/banner.hpp>

#include "narrative.hpp"
#include "supervisor.hpp"

namespace ringhorn::supervisor {

namespace {

constexpr int exit_signal_base = 128;
constexpr unsigned count_max = 500;

}  // namespace

void Supervisor::take_signals() {
  while (const auto number = signals_.take()) {
    act_on(*number);
  }
}

void Supervisor::act_on(int number) {
  switch (number) {
    case SIGTERM:
    case SIGINT:
      return stop(number);
    case SIGQUIT:
      return quit();
    case SIGHUP:
      return reload("Received SIGHUP, restarting processes.");
    case SIGTTIN:
      return grow();
    case SIGTTOU:
      return shrink();
    case SIGWINCH:
      return retire_all();
    case SIGUSR1:
      log_.info(
          "Received SIGUSR1; there are no log files to open anew: requests go to standard "
          "output, all else to standard error.");
      return;
    case SIGUSR2:
      return upgrade();
    default:
      return;  // SIGCHLD: reap() looks for itself
  }
}

void Supervisor::stop(int number) {
  switch (ending_) {
    case Ending::none: {
      log_.info("Received " + signal_name(number) + ", exiting.");
      const bool delays = number == SIGTERM && options_.drain_delay > 0;
      return delays ? announce(now_ns_ + config::to_ns(options_.drain_delay)) : begin_end();
    }
    case Ending::announced:
      return begin_end();
    case Ending::begun:
    case Ending::hurried:
      return force(number);
  }
}

void Supervisor::quit() {
  if (ending_ < Ending::begun) {
    log_.info("Received SIGQUIT, exiting at once.");
    begin_end();
  }
  hurry();
}

void Supervisor::announce(base::Nanoseconds until_ns) {
  ending_ = Ending::announced;
  announced_until_ns_ = until_ns;
  tell_all(sock::Word::announce);
}

/// Nobody new is let in, unless another program serves on. What the queues hold is the workers' to
/// take, and when the last of them has taken it the port is free: ours are closed.
void Supervisor::begin_end() {
  ending_ = Ending::begun;
  if (successor_) {
    surroundings_.manager.succeeded_by(successor_->pid);
  } else {
    surroundings_.manager.stopping();
  }
  for (sock::Listening& listening : listeners_) {
    if (listening.hold == sock::Hold::ours && !shares_sockets()) {
      sock::seal(listening.socket.value(), listening.address);
    }
    listening.socket.reset();
  }
  fleet_.stop();
  if (templates_) {
    templates_->stop();
  }
}

void Supervisor::hurry() {
  if (ending_ == Ending::begun) {
    ending_ = Ending::hurried;
    carry_out_orders();
    tell_all(sock::Word::hurry);
    fleet_.hurry(now_ns_);
  }
}

void Supervisor::force(int number) {
  status_ = exit_signal_base + number;
  for (const Member& member : fleet_.members()) {
    ::kill(member.pid, SIGKILL);
  }
  for (const Template& one : templates_ ? templates_->all() : std::vector<Template>()) {
    ::kill(one.pid, SIGKILL);
  }
}

void Supervisor::tell_all(sock::Word word) {
  for (const Child& child : children_) {
    child.channel.say(word);
  }
}

void Supervisor::reload(const std::string& why) {
  if (ending_ != Ending::none) {
    return;
  }
  log_.info(why);
  reloading_ = true;
  surroundings_.manager.reloading();
  if (templates_) {
    return templates_->reload();  // the new code first, then the workers
  }
  renew();
}

void Supervisor::renew() {
  if (fleet_.count() == 0) {
    resize(options_.workers.value_or(1));
  }
  fleet_.reload();
}

void Supervisor::grow() {
  if (ending_ == Ending::none && fleet_.count() < count_max) {
    resize(fleet_.count() + 1);
    log_.info(told_count("SIGTTIN, increasing", fleet_.count()));
  }
}

void Supervisor::shrink() {
  if (ending_ != Ending::none) {
    return;
  }
  if (fleet_.count() <= 1) {
    log_.info("Received SIGTTOU; there is one worker only, it stays.");
    return;
  }
  resize(fleet_.count() - 1);
  log_.info(told_count("SIGTTOU, decreasing", fleet_.count()));
}

/// A terminal sends SIGWINCH whenever its window changes: only who has none can mean it.
void Supervisor::retire_all() {
  if (ending_ != Ending::none || has_terminal()) {
    return;
  }
  fleet_.resize(0);
  log_.info("Received SIGWINCH: every worker stops; SIGHUP brings them back.");
}

}  // namespace ringhorn::supervisor
