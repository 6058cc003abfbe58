// SIGUSR2: a newer program on the same sockets, until one of the two goes.
#include <sys/wait.h>

#include <string>
#include <utility>

#include "narrative.hpp"
#include "supervisor.hpp"

namespace ringhorn::supervisor {

void Supervisor::upgrade() {
  if (ending_ != Ending::none) {
    return;
  }
  if (shares_sockets()) {
    log_.warning(predecessor_ ? "Received SIGUSR2; the program before this one still runs."
                              : "Received SIGUSR2; a new program runs already.");
    return;
  }
  log_.flush();
  auto started = start_successor(surroundings_.command, listeners_, signals_);
  if (!started) {
    log_.error("Received SIGUSR2; the new program cannot be started: " + started.error());
    return;
  }
  successor_ = started.take_value();
  log_.info("Received SIGUSR2, started the new program [" + std::to_string(successor_->pid) + "].");
  tell_all(sock::Word::share);
}

bool Supervisor::take_over_sockets() {
  predecessor_ = take_succession(surroundings_.succession);
  if (!predecessor_) {
    log_.error("The sockets of the program before this one cannot be taken over.");
    return false;
  }
  listeners_ = std::move(predecessor_->listeners);
  return true;
}

void Supervisor::hear_the_other() {
  sock::Message message{};
  while (successor_ && successor_->channel.hear(message) == sock::Channel::State::message) {
    log_.info("The new program [" + std::to_string(successor_->pid) +
              "] serves. SIGTERM to either leaves the sockets to the other.");
  }
  if (predecessor_ && predecessor_->channel.hear(message) == sock::Channel::State::end) {
    predecessor_.reset();
    tell_all(sock::Word::own);
    surroundings_.on_alone();
    tell_manager();
    log_.info("The program before this one is gone.");
  }
}

void Supervisor::bury_successor(int status) {
  const bool executed = !WIFEXITED(status) || WEXITSTATUS(status) != not_executed;
  log_.warning("The new program [" + std::to_string(successor_->pid) + "] " +
               (executed ? "ended: " + told_status(status)
                         : "cannot be executed: " + surroundings_.command.front()) +
               ". This one goes on serving.");
  successor_.reset();
  tell_all(sock::Word::own);
}

}  // namespace ringhorn::supervisor
