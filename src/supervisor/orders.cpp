// Carrying out what the Fleet orders.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <ringhorn/base/assert.hpp>

#include "narrative.hpp"
#include "supervisor.hpp"

namespace ringhorn::supervisor {

void Supervisor::carry_out_orders() {
  while (const auto order = templates_ ? templates_->next(generations(), now_ns_) : std::nullopt) {
    carry_out(*order);
  }
  while (const auto order = fleet_.next(now_ns_, births())) {
    carry_out(*order);
  }
}

void Supervisor::carry_out(const Order& order) {
  switch (order.kind) {
    case Order::Kind::spawn:
      return spawn(order);
    case Order::Kind::retire:
      return say(order.pid, sock::Word::retire);
    case Order::Kind::finish:
      return say(order.pid, shares_sockets() ? sock::Word::retire : sock::Word::finish);
    case Order::Kind::terminate:
      ::kill(order.pid, SIGTERM);
      return;
    case Order::Kind::abort:
      log_.error(told_abort(*fleet_.member(order.pid), phase_of(order.pid), now_ns_));
      ::kill(order.pid, SIGABRT);
      ::kill(order.pid, SIGCONT);  // one that is stopped says where it stood, too
      return;
    case Order::Kind::kill:
      log_.error(told_kill(*fleet_.member(order.pid)));
      ::kill(order.pid, SIGKILL);
      return;
  }
}

void Supervisor::say(pid_t pid, sock::Word word) const {
  const Child* child = find(pid);
  RINGHORN_ASSERT(child != nullptr);
  child->channel.say(word);
}

telemetry::LoopPhase Supervisor::phase_of(pid_t pid) {
  const Child* child = find(pid);
  RINGHORN_ASSERT(child != nullptr);
  return board_.entry(child->entry).phase.load(std::memory_order_relaxed);
}

const Supervisor::Child* Supervisor::find(pid_t pid) const noexcept {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [pid](const Child& child) { return child.pid == pid; });
  return found == children_.end() ? nullptr : &*found;
}

void Supervisor::spawn(const Order& order) {
  auto ends = sock::Channel::make_pair();
  if (!ends) {
    log_.error(ends.error());
    return fleet_.on_spawn_failed(order, now_ns_);
  }
  auto [ours, theirs] = ends.take_value();
  const std::size_t entry = free_entry();
  board_.give(entry);
  if (templates_) {
    return ask_for(order, entry, std::move(ours), theirs);
  }
  log_.flush();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ours.close();
    leave_to_child();
    become(assign({order.slot, order.generation, entry, fleet_.count()}, std::move(theirs),
                  std::move(board_), std::move(listeners_), share_count()));
  }
  if (pid < 0) {
    log_.error("A worker cannot be started: " + std::system_category().message(errno) +
               ". Trying again.");
    return fleet_.on_spawn_failed(order, now_ns_);
  }
  adopt(order, pid, entry, std::move(ours));
}

void Supervisor::adopt(const Order& order, pid_t pid, std::size_t entry, sock::Channel channel) {
  if (shares_sockets()) {
    channel.say(sock::Word::share);
  }
  children_.push_back({pid, entry, std::move(channel)});
  fleet_.on_spawned(order, pid, now_ns_);
}

/// What is the supervisor's alone must not live on in a child: an end of a channel that somebody
/// else keeps open would hide that the supervisor is gone.
void Supervisor::leave_to_child() {
  children_.clear();
  sources_.clear();
  birth_.reset();
  changes_.reset();
  predecessor_.reset();
  successor_.reset();
  signals_.leave_to_child();
}

void Supervisor::become(Assignment assignment) {
  const int status = surroundings_.work(std::move(assignment));
  log_.flush();
  ::_exit(status);
}

/// Sockets that share an address were made for the workers that there were at the start.
unsigned Supervisor::share_count() const {
  return options_.workers.value_or(1);
}

/// To so many workers. Who is to accept from other sockets than before is replaced by one that
/// does.
void Supervisor::resize(unsigned count) {
  const auto sockets_of = [this](unsigned slot, unsigned of) {
    std::vector<bool> served;
    for (const sock::Listening& listening : listeners_) {
      served.push_back(serves(slot, of, listening, share_count()));
    }
    return served;
  };
  const unsigned before = fleet_.count();
  fleet_.resize(count);
  for (const Member& member : fleet_.members()) {
    if (member.slot < std::min(before, count) &&
        sockets_of(member.slot, before) != sockets_of(member.slot, count)) {
      fleet_.on_spent(member.pid);
    }
  }
}

std::size_t Supervisor::free_entry() const {
  std::size_t entry = 0;
  while (std::any_of(children_.begin(), children_.end(),
                     [entry](const Child& child) { return child.entry == entry; })) {
    ++entry;
  }
  RINGHORN_ASSERT(entry < telemetry::Board::entry_count);
  return entry;
}

}  // namespace ringhorn::supervisor
