/// Succession is how one server program follows another on the same sockets (SIGUSR2): the old one
/// starts it with everything that it listens on, both serve, and whichever is told to go leaves the
/// sockets to the other. A line between the two says when the other side serves, and when it is
/// gone. Used by the supervisor, on its thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <ringhorn/base/result.hpp>
#include <ringhorn/sock/channel.hpp>
#include <ringhorn/supervisor/listeners.hpp>
#include <ringhorn/supervisor/supervisor.hpp>

#include "signal_watch.hpp"

namespace ringhorn::supervisor {

/// As a shell says it.
inline constexpr int not_executed = 127;

/// The program that follows this one.
struct Successor {
  pid_t pid;
  sock::Channel channel;  ///< says `ready` once it serves
};

/// What a program that follows another one has of it.
struct Predecessor {
  sock::Channel channel;  ///< ends when the other one is gone
  Listeners listeners;
};

/// Executes `command` in a child that inherits the sockets. On failure a sentence; a program that
/// cannot be executed is a child that ends with not_executed.
base::Result<Successor, std::string> start_successor(const std::vector<std::string>& command,
                                                     const Listeners& listeners,
                                                     SignalWatch& signals);
/// In the program that was executed; empty when `text` is none of ours.
std::optional<Predecessor> take_succession(const std::string& text);

}  // namespace ringhorn::supervisor
