// Workers that are forked from a template: --preload.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <ringhorn/base/assert.hpp>

#include "inheritance.hpp"
#include "narrative.hpp"
#include "supervisor.hpp"

namespace ringhorn::supervisor {

namespace {

/// For a template to fork a worker: it has nothing else to do.
constexpr base::Nanoseconds birth_ns_max = 15 * base::ns_per_s;

}  // namespace

Births Supervisor::births() const noexcept {
  const bool possible =
      !templates_ || (!birth_ && templates_->source_of(fleet_.wanted_generation()) != nullptr);
  return possible ? Births::possible : Births::impossible;
}

Templates::Generations Supervisor::generations() const noexcept {
  return {fleet_.proven_generation(), fleet_.wanted_generation()};
}

void Supervisor::carry_out(const TemplateOrder& order) {
  switch (order.kind) {
    case TemplateOrder::Kind::start:
      return start_template();
    case TemplateOrder::Kind::dismiss:
      std::erase_if(sources_, [&](const Source& source) { return source.pid == order.pid; });
      return;
    case TemplateOrder::Kind::terminate:
      ::kill(order.pid, SIGTERM);
      return;
    case TemplateOrder::Kind::abort:
      log_.error(told_import_overdue(*templates_->find(order.pid), now_ns_));
      ::kill(order.pid, SIGABRT);
      ::kill(order.pid, SIGCONT);
      return;
    case TemplateOrder::Kind::kill:
      ::kill(order.pid, SIGKILL);
      return;
  }
}

/// It gets every socket: which of them a worker serves is known when one is asked for.
void Supervisor::start_template() {
  auto ends = sock::Channel::make_pair();
  if (!ends) {
    log_.error(ends.error());
    return templates_->on_start_failed(now_ns_);
  }
  auto [ours, theirs] = ends.take_value();
  log_.flush();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ours.close();
    leave_to_child();
    become({0, 0, 0, std::move(theirs), std::move(board_), std::move(listeners_), Role::preload});
  }
  if (pid < 0) {
    log_.error("A template process cannot be started: " + std::system_category().message(errno) +
               ". Trying again.");
    return templates_->on_start_failed(now_ns_);
  }
  sources_.push_back({pid, std::move(ours)});
  templates_->on_started(pid, now_ns_);
}

void Supervisor::ask_for(const Order& order, std::size_t entry, sock::Channel ours,
                         const sock::Channel& theirs) {
  const Template* source = templates_->source_of(order.generation);
  RINGHORN_ASSERT(source != nullptr && !birth_);
  const auto end = std::find_if(sources_.begin(), sources_.end(),
                                [&](const Source& one) { return one.pid == source->pid; });
  RINGHORN_ASSERT(end != sources_.end());
  const std::string place = to_text({order.slot, order.generation, entry, fleet_.count()});
  if (!end->channel.pass(sock::Word::bear, place, theirs.fd())) {
    return fleet_.on_spawn_failed(order, now_ns_);  // its end is about to be noticed
  }
  birth_.emplace(Birth{order, entry, std::move(ours), source->pid, now_ns_ + birth_ns_max});
}

void Supervisor::hear_templates() {
  for (const Source& source : sources_) {
    sock::Message message{};
    while (source.channel.hear(message) == sock::Channel::State::message) {
      if (message.word == sock::Word::ready) {
        on_template_ready(source.pid);
      }
    }
  }
  hear_birth();
  if (birth_ && birth_->deadline_ns <= now_ns_) {
    birth_->deadline_ns = Fleet::never;
    log_.error("Template process [" + std::to_string(birth_->source) +
               "] does not fork any more. Killing it.");
    ::kill(birth_->source, SIGKILL);
  }
}

void Supervisor::on_template_ready(pid_t pid) {
  const Template* one = templates_->find(pid);
  if (one == nullptr || one->phase != Template::Phase::loading || ending_ >= Ending::begun) {
    return;
  }
  log_.info(told_import(*one, now_ns_));
  if (one->renews) {
    renew();
  }
  templates_->on_ready(pid, fleet_.wanted_generation(), now_ns_);
}

void Supervisor::hear_birth() {
  sock::Message message{};
  const auto state = birth_ ? birth_->channel.hear(message) : sock::Channel::State::silence;
  if (state == sock::Channel::State::silence) {
    return;
  }
  Birth birth = std::move(*birth_);
  birth_.reset();
  const std::vector<int> pid = numbers_in(message.text);
  if (state == sock::Channel::State::end || message.word != sock::Word::born || pid.empty()) {
    return fleet_.on_spawn_failed(birth.order, now_ns_);
  }
  adopt(birth.order, pid.front(), birth.entry, std::move(birth.channel));
}

void Supervisor::bury_template(const TemplateDeparture& departure, int status) {
  std::erase_if(sources_, [&](const Source& source) { return source.pid == departure.gone.pid; });
  if (departure.expected) {
    log_.debug("Template process [" + std::to_string(departure.gone.pid) +
               "] ended: " + told_status(status));
    return;
  }
  log_.error(told_death(departure, status, now_ns_));
  if (departure.fatal) {
    fail_start();
  }
  if (departure.reload_failed) {
    fail_reload(fleet_.wanted_generation() + 1, templates_->renewing());
  }
}

}  // namespace ringhorn::supervisor
