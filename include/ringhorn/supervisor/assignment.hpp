/// Assignment is what a worker is born with: its place, its line to the supervisor, its sockets.
/// A worker that is forked has it as it is; one that is a program of its own gets it as text in an
/// environment variable, and the descriptors by inheritance. A template process (--preload) is born
/// with one, too: it has every socket, and makes of it the assignments of its workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <ringhorn/sock/channel.hpp>
#include <ringhorn/supervisor/listeners.hpp>
#include <ringhorn/telemetry/board.hpp>

namespace ringhorn::supervisor {

enum class Role : std::uint8_t {
  worker,
  preload,  ///< imports the application and forks a worker whenever it is asked
};

struct Assignment {
  unsigned slot = 0;
  unsigned generation = 0;
  std::size_t entry = 0;  ///< of the board
  sock::Channel channel;
  telemetry::Board board;
  Listeners listeners;
  Role role = Role::worker;
};

/// A worker that is wanted, as the supervisor sees it.
struct Place {
  unsigned slot = 0;
  unsigned generation = 0;
  std::size_t entry = 0;  ///< of the board
  unsigned count = 1;     ///< of workers; the sockets are shared out among them
};

/// What a template process is asked with, and what it was asked for: empty when it is none.
std::string to_text(const Place& place);
std::optional<Place> place_in(const std::string& text);

/// The assignment of the worker at `place`: of `listeners` those that it accepts from, the others
/// are closed. `shares` as for serves(). REQUIRES: place.slot < place.count
Assignment assign(const Place& place, sock::Channel channel, telemetry::Board board,
                  Listeners listeners, unsigned shares);

/// The variable that holds the text. It is none of the user's options.
inline constexpr const char* assignment_variable = "_RINGHORN_ASSIGNMENT";

/// The text, and every descriptor made inheritable. REQUIRES: the next that happens is exec
std::string hand_on(const Assignment& assignment);
/// What hand_on() wrote, in the program that was executed; the descriptors are close-on-exec again.
/// Empty when the text is none.
std::optional<Assignment> take_over(const std::string& text);

}  // namespace ringhorn::supervisor
