#include "templates.hpp"

#include <algorithm>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::supervisor {

using Phase = Template::Phase;
using Kind = TemplateOrder::Kind;

void Templates::on_started(pid_t pid, base::Nanoseconds now_ns) {
  Template one;
  one.pid = pid;
  one.renews = reload_asked_;
  one.started_ns = now_ns;
  one.deadline_ns = settings_.startup_ns == 0 ? never : now_ns + settings_.startup_ns;
  all_.push_back(one);
  reload_asked_ = false;
}

void Templates::on_start_failed(base::Nanoseconds now_ns) {
  retry_ns_ = now_ns + std::max(backoff_.on_death(0), Backoff::first_ns);
}

void Templates::on_ready(pid_t pid, unsigned generation, base::Nanoseconds now_ns) {
  Template* one = find_mutable(pid);
  RINGHORN_ASSERT(one != nullptr);
  if (one->phase == Phase::loading) {
    one->phase = Phase::ready;
    one->generation = generation;
    one->ready_ns = now_ns;
    one->deadline_ns = never;
  }
}

std::optional<TemplateDeparture> Templates::on_exited(pid_t pid, const Generations& generations,
                                                      base::Nanoseconds now_ns) {
  Template* found = find_mutable(pid);
  if (found == nullptr) {
    return std::nullopt;
  }
  TemplateDeparture departure;
  departure.gone = *found;
  all_.erase(all_.begin() + (found - all_.data()));
  const Template& gone = departure.gone;
  departure.expected = gone.phase == Phase::leaving || stopping_;
  if (departure.expected) {
    return departure;
  }
  const bool imported = gone.ready_ns != 0;
  departure.fatal = !imported && generations.proven == 0 && !source_of(generations.wanted);
  departure.reload_failed = !imported && gone.renews && source_of(generations.wanted) != nullptr;
  if (!departure.reload_failed) {
    reload_asked_ = reload_asked_ || (gone.renews && !imported);
    departure.wait_ns = backoff_.on_death(imported ? now_ns - gone.ready_ns : 0);
    retry_ns_ = now_ns + departure.wait_ns;
  }
  return departure;
}

void Templates::reload() {
  reload_asked_ = true;
  backoff_.reset();
  retry_ns_ = 0;
}

std::optional<TemplateOrder> Templates::next(const Generations& generations,
                                             base::Nanoseconds now_ns) {
  for (Template& one : all_) {
    const bool overdue = one.deadline_ns <= now_ns;
    if (overdue && one.phase == Phase::loading) {
      return order(one, Kind::abort, Phase::ending, now_ns + settings_.abort_ns);
    }
    if (overdue) {
      return order(one, Kind::kill, one.phase, never);
    }
    if (one.phase == Phase::loading && stopping_) {
      return order(one, Kind::terminate, Phase::leaving, now_ns + settings_.leave_ns);
    }
    if (one.phase == Phase::ready && !needed(one, generations)) {
      return order(one, Kind::dismiss, Phase::leaving, now_ns + settings_.leave_ns);
    }
  }
  const bool wanted = reload_asked_ || source_of(generations.wanted) == nullptr;
  if (wanted && !stopping_ && !loads() && retry_ns_ <= now_ns) {
    return TemplateOrder{Kind::start, 0};
  }
  return std::nullopt;
}

base::Nanoseconds Templates::next_deadline_ns(base::Nanoseconds now_ns) const {
  base::Nanoseconds next = retry_ns_ > now_ns && !stopping_ ? retry_ns_ : never;
  for (const Template& one : all_) {
    next = std::min(next, one.deadline_ns);
  }
  return next;
}

const Template* Templates::find(pid_t pid) const noexcept {
  return const_cast<Templates*>(this)->find_mutable(pid);
}

Template* Templates::find_mutable(pid_t pid) noexcept {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [pid](const Template& one) { return one.pid == pid; });
  return found == all_.end() ? nullptr : &*found;
}

const Template* Templates::source_of(unsigned generation) const noexcept {
  const auto found = std::find_if(all_.rbegin(), all_.rend(), [generation](const Template& one) {
    return one.phase == Phase::ready && one.generation == generation;
  });
  return found == all_.rend() ? nullptr : &*found;
}

bool Templates::renewing() const noexcept {
  return reload_asked_ || std::any_of(all_.begin(), all_.end(), [](const Template& one) {
           return one.renews && (one.phase == Phase::loading || one.phase == Phase::ending);
         });
}

/// One that was told to die is waited for: what its end means is known only then.
bool Templates::loads() const noexcept {
  return std::any_of(all_.begin(), all_.end(), [](const Template& one) {
    return one.phase == Phase::loading || one.phase == Phase::ending;
  });
}

bool Templates::needed(const Template& one, const Generations& generations) const noexcept {
  const bool current = one.generation == generations.wanted || one.generation == generations.proven;
  return current && !stopping_ && source_of(one.generation) == &one;
}

TemplateOrder Templates::order(Template& one, Kind kind, Phase phase,
                               base::Nanoseconds deadline_ns) {
  one.phase = phase;
  one.deadline_ns = deadline_ns;
  return {kind, one.pid};
}

}  // namespace ringhorn::supervisor
