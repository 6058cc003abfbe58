/// Assignment is what a worker is born with: its place, its line to the supervisor, its sockets.
/// A worker that is forked has it as it is; one that is a program of its own gets it as text in an
/// environment variable, and the descriptors by inheritance.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <ringhorn/sock/channel.hpp>
#include <ringhorn/supervisor/listeners.hpp>
#include <ringhorn/telemetry/board.hpp>

namespace ringhorn::supervisor {

struct Assignment {
  unsigned slot = 0;
  unsigned generation = 0;
  std::size_t entry = 0;  ///< of the board
  sock::Channel channel;
  telemetry::Board board;
  Listeners listeners;
};

/// The variable that holds the text. It is none of the user's options.
inline constexpr const char* assignment_variable = "_RINGHORN_ASSIGNMENT";

/// The text, and every descriptor made inheritable. REQUIRES: the next that happens is exec
std::string hand_on(const Assignment& assignment);
/// What hand_on() wrote, in the program that was executed; the descriptors are close-on-exec again.
/// Empty when the text is none.
std::optional<Assignment> take_over(const std::string& text);

}  // namespace ringhorn::supervisor
