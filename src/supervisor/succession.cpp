#include "succession.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "inheritance.hpp"

namespace ringhorn::supervisor {

namespace {

[[noreturn]] void execute(std::vector<std::string> command, const std::string& text) {
  std::vector<char*> arguments;
  for (std::string& argument : command) {
    arguments.push_back(argument.data());
  }
  arguments.push_back(nullptr);
  ::setenv(succession_variable, text.c_str(), 1);
  ::execvp(arguments[0], arguments.data());
  ::_exit(not_executed);
}

}  // namespace

base::Result<Successor, std::string> start_successor(const std::vector<std::string>& command,
                                                     const Listeners& listeners,
                                                     SignalWatch& signals) {
  auto ends = sock::Channel::make_pair();
  if (!ends) {
    return base::Failure{ends.error()};
  }
  auto [ours, theirs] = ends.take_value();
  const pid_t pid = ::fork();
  if (pid == 0) {
    signals.leave_to_child();
    std::string text;
    put_fd(text, theirs.fd());
    put_listeners(text, listeners);
    execute(command, text);
  }
  if (pid < 0) {
    return base::Failure{"no process can be made: " + std::system_category().message(errno)};
  }
  return Successor{pid, std::move(ours)};
}

std::optional<Predecessor> take_succession(const std::string& text) {
  const std::vector<int> numbers = numbers_in(text);
  if (numbers.size() < 2) {
    return std::nullopt;
  }
  Predecessor predecessor{sock::Channel(inherited(numbers[0])),
                          take_listeners({numbers.data() + 1, numbers.size() - 1})};
  for (sock::Listening& listening : predecessor.listeners) {
    if (listening.hold == sock::Hold::ours &&
        listening.address.family == sock::Address::Family::unix_path) {
      listening.file = sock::socket_file(listening.address.host);
    }
  }
  return predecessor.listeners.empty() ? std::nullopt : std::optional(std::move(predecessor));
}

}  // namespace ringhorn::supervisor
