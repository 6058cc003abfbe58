#include "fleet.hpp"

#include <algorithm>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::supervisor {

namespace {

/// Of the workers that are replaced in good order, so many at a time.
constexpr unsigned successors_per_count = 4;

base::Nanoseconds after(base::Nanoseconds now_ns, base::Nanoseconds limit_ns) {
  return limit_ns == 0 ? Fleet::never : now_ns + limit_ns;
}

}  // namespace

Fleet::Fleet(const Settings& settings)
    : settings_(settings), count_(settings.count), slots_(settings.count) {}

void Fleet::on_spawned(const Order& order, pid_t pid, base::Nanoseconds now_ns) {
  RINGHORN_ASSERT(order.kind == Order::Kind::spawn && find(pid) == nullptr);
  Member member;
  member.pid = pid;
  member.slot = order.slot;
  member.generation = order.generation;
  member.started_ns = now_ns;
  member.deadline_ns = after(now_ns, settings_.startup_ns);
  members_.push_back(member);
}

void Fleet::on_spawn_failed(const Order& order, base::Nanoseconds now_ns) {
  // The system is out of something: wait as for a worker that dies at once, and then some.
  Slot& slot = slots_[order.slot];
  slot.retry_ns = now_ns + std::max(slot.backoff.on_death(0), Backoff::first_ns);
}

bool Fleet::on_ready(pid_t pid, base::Nanoseconds now_ns) {
  Member* member = find(pid);
  if (member == nullptr || member->stage != Stage::starting) {
    return false;
  }
  member->stage = Stage::ready;
  member->ready_ns = now_ns;
  member->deadline_ns = never;
  const bool first = member->generation > proven_;
  proven_ = std::max(proven_, member->generation);
  wanted_ = std::max(wanted_, proven_);
  return first;
}

void Fleet::on_spent(pid_t pid) {
  if (Member* member = find(pid); member != nullptr) {
    member->spent = true;
  }
}

void Fleet::on_silent(pid_t pid) {
  if (Member* member = find(pid); member != nullptr) {
    member->silent = true;
  }
}

std::optional<Departure> Fleet::on_exited(pid_t pid, base::Nanoseconds now_ns) {
  Member* found = find(pid);
  if (found == nullptr) {
    return std::nullopt;
  }
  Departure departure;
  departure.member = *found;
  members_.erase(members_.begin() + (found - members_.data()));
  const Member& member = departure.member;
  departure.expected = member.stage == Stage::draining || stopping_ || member.slot >= count_;
  if (!departure.expected) {
    Slot& slot = slots_[member.slot];
    departure.wait_ns = slot.backoff.on_death(member.ready_ns == 0 ? 0 : now_ns - member.ready_ns);
    slot.retry_ns = now_ns + departure.wait_ns;
    note_failure(departure);
  }
  return departure;
}

/// Whether the first of all, or of a generation, has not started.
void Fleet::note_failure(Departure& departure) {
  const Member& member = departure.member;
  if (member.ready_ns != 0) {
    return;
  }
  if (settings_.vacates) {
    departure.left_empty = true;
    departure.wait_ns = 0;
    slots_[member.slot].retry_ns = never;
    return;
  }
  departure.fatal = proven_ == 0;
  departure.reload_failed = proven_ > 0 && member.generation > proven_ &&
                            member.generation == wanted_ &&
                            in_slot(member.slot, Stage::ready) != nullptr;
  if (departure.reload_failed) {
    wanted_ = proven_;
    slots_[member.slot].backoff.reset();
    slots_[member.slot].retry_ns = 0;
    departure.wait_ns = 0;
  }
}

void Fleet::reload() {
  const bool begun = std::any_of(members_.begin(), members_.end(), [this](const Member& member) {
    return member.generation == wanted_;
  });
  if (begun) {
    ++wanted_;
  }
  for (Slot& slot : slots_) {
    slot = Slot();
  }
}

void Fleet::resize(unsigned count) {
  count_ = count;
  slots_.resize(std::max<std::size_t>(slots_.size(), count));
}

void Fleet::stop() {
  stopping_ = true;
}

void Fleet::hurry(base::Nanoseconds now_ns) {
  RINGHORN_ASSERT(stopping_);
  for (Member& member : members_) {
    if (member.stage == Stage::draining) {
      member.deadline_ns = std::min(member.deadline_ns, now_ns + settings_.leave_ns);
    }
  }
}

std::optional<Order> Fleet::next(base::Nanoseconds now_ns, Births births) {
  std::optional<Order> next = overdue(now_ns);
  if (!next) {
    next = dismissal(now_ns);
  }
  return next || births == Births::impossible ? next : spawn(now_ns);
}

std::optional<Order> Fleet::overdue(base::Nanoseconds now_ns) {
  for (Member& member : members_) {
    if (member.deadline_ns > now_ns) {
      continue;
    }
    if (member.stage == Stage::starting) {
      return order(member, Order::Kind::abort, Stage::ending, now_ns + settings_.abort_ns);
    }
    return order(member, Order::Kind::kill, member.stage, never);
  }
  return std::nullopt;
}

std::optional<Order> Fleet::dismissal(base::Nanoseconds now_ns) {
  for (Member& member : members_) {
    if (member.stage == Stage::starting && unwanted(member)) {
      return order(member, Order::Kind::terminate, Stage::draining, now_ns + settings_.leave_ns);
    }
    if (member.stage != Stage::ready) {
      continue;
    }
    if (member.silent) {
      return order(member, Order::Kind::abort, Stage::ending, now_ns + settings_.abort_ns);
    }
    if (unwanted(member) || superseded(member)) {
      return order(member, stopping_ ? Order::Kind::finish : Order::Kind::retire, Stage::draining,
                   after(now_ns, settings_.grace_ns));
    }
  }
  return std::nullopt;
}

std::optional<Order> Fleet::spawn(base::Nanoseconds now_ns) {
  if (stopping_ || members_.size() >= settings_.members_max) {
    return std::nullopt;
  }
  for (unsigned slot = 0; slot < count_; ++slot) {
    if (wants_worker(slot, now_ns)) {
      return Order{Order::Kind::spawn, slot, wanted_, 0};
    }
  }
  return std::nullopt;
}

bool Fleet::wants_worker(unsigned slot, base::Nanoseconds now_ns) const noexcept {
  // One that failed to start in time is waited for: what its end means is known only then.
  const bool awaited = std::any_of(members_.begin(), members_.end(), [slot](const Member& member) {
    return member.slot == slot && (member.stage == Stage::starting ||
                                   (member.stage == Stage::ending && member.ready_ns == 0));
  });
  if (awaited || now_ns < slots_[slot].retry_ns) {
    return false;
  }
  const Member* incumbent = in_slot(slot, Stage::ready);
  return incumbent == nullptr ||
         ((outdated(*incumbent) || incumbent->spent) && starting_count() < successors_max());
}

Order Fleet::order(Member& member, Order::Kind kind, Stage stage, base::Nanoseconds deadline_ns) {
  member.stage = stage;
  member.deadline_ns = deadline_ns;
  return {kind, member.slot, member.generation, member.pid};
}

base::Nanoseconds Fleet::next_deadline_ns(base::Nanoseconds now_ns) const {
  base::Nanoseconds next = never;
  for (const Member& member : members_) {
    next = std::min(next, member.deadline_ns);
  }
  for (unsigned slot = 0; slot < count_ && !stopping_; ++slot) {
    if (slots_[slot].retry_ns > now_ns && wants_worker(slot, never)) {
      next = std::min(next, slots_[slot].retry_ns);
    }
  }
  return next;
}

unsigned Fleet::ready_count() const noexcept {
  return static_cast<unsigned>(
      std::count_if(members_.begin(), members_.end(),
                    [](const Member& member) { return member.stage == Stage::ready; }));
}

bool Fleet::settled() const noexcept {
  const bool sound = std::all_of(members_.begin(), members_.end(), [this](const Member& member) {
    return member.stage != Stage::starting &&
           (member.stage != Stage::ready || (!outdated(member) && !member.spent));
  });
  return sound && ready_count() == count_;
}

Member* Fleet::find(pid_t pid) noexcept {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [pid](const Member& member) { return member.pid == pid; });
  return found == members_.end() ? nullptr : &*found;
}

const Member* Fleet::member(pid_t pid) const noexcept {
  return const_cast<Fleet*>(this)->find(pid);
}

const Member* Fleet::in_slot(unsigned slot, Stage stage) const noexcept {
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& member) {
    return member.slot == slot && member.stage == stage;
  });
  return found == members_.end() ? nullptr : &*found;
}

unsigned Fleet::starting_count() const noexcept {
  return static_cast<unsigned>(
      std::count_if(members_.begin(), members_.end(), [this](const Member& member) {
        return member.stage == Stage::starting && in_slot(member.slot, Stage::ready) != nullptr;
      }));
}

unsigned Fleet::successors_max() const noexcept {
  const bool known = std::any_of(members_.begin(), members_.end(), [this](const Member& member) {
    return member.stage == Stage::ready && !outdated(member);
  });
  return known ? std::max(1U, count_ / successors_per_count) : 1;
}

bool Fleet::outdated(const Member& member) const noexcept {
  return member.generation < wanted_;
}

/// Nobody waits for a successor of it.
bool Fleet::unwanted(const Member& member) const noexcept {
  return stopping_ || member.slot >= count_ || (settings_.vacates && outdated(member));
}

/// Members stand in the order in which they were started.
bool Fleet::superseded(const Member& member) const noexcept {
  const Member* newest = nullptr;
  for (const Member& other : members_) {
    if (other.stage == Stage::ready && other.slot == member.slot) {
      newest = &other;
    }
  }
  return newest != &member;
}

}  // namespace ringhorn::supervisor
