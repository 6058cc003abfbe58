#include <ringhorn/supervisor/assignment.hpp>

#include <utility>
#include <vector>

#include "inheritance.hpp"

namespace ringhorn::supervisor {

std::string hand_on(const Assignment& assignment) {
  std::string text;
  put(text, assignment.role == Role::preload ? 1 : 0);
  put(text, assignment.slot);
  put(text, assignment.generation);
  put(text, static_cast<long>(assignment.entry));
  put_fd(text, assignment.channel.fd());
  put_fd(text, assignment.board.fd());
  put_listeners(text, assignment.listeners);
  return text;
}

std::optional<Assignment> take_over(const std::string& text) {
  constexpr std::size_t fixed = 6;
  const std::vector<int> numbers = numbers_in(text);
  if (numbers.size() <= fixed) {
    return std::nullopt;
  }
  auto board = telemetry::Board::adopt(inherited(numbers[5]));
  if (!board) {
    return std::nullopt;
  }
  Assignment assignment{static_cast<unsigned>(numbers[1]),
                        static_cast<unsigned>(numbers[2]),
                        static_cast<std::size_t>(numbers[3]),
                        sock::Channel(inherited(numbers[4])),
                        board.take_value(),
                        {},
                        numbers[0] == 1 ? Role::preload : Role::worker};
  assignment.listeners = take_listeners({numbers.data() + fixed, numbers.size() - fixed});
  if (assignment.listeners.empty()) {
    return std::nullopt;
  }
  return assignment;
}

std::string to_text(const Place& place) {
  std::string text;
  put(text, place.slot);
  put(text, place.generation);
  put(text, static_cast<long>(place.entry));
  put(text, place.count);
  return text;
}

std::optional<Place> place_in(const std::string& text) {
  const std::vector<int> numbers = numbers_in(text);
  if (numbers.size() != 4 || numbers[0] >= numbers[3] ||
      numbers[2] >= static_cast<int>(telemetry::Board::entry_count)) {
    return std::nullopt;
  }
  return Place{static_cast<unsigned>(numbers[0]), static_cast<unsigned>(numbers[1]),
               static_cast<std::size_t>(numbers[2]), static_cast<unsigned>(numbers[3])};
}

Assignment assign(const Place& place, sock::Channel channel, telemetry::Board board,
                  Listeners listeners, unsigned shares) {
  Assignment assignment{place.slot,         place.generation, place.entry,
                        std::move(channel), std::move(board), {}};
  for (sock::Listening& listening : listeners) {
    if (serves(place.slot, place.count, listening, shares)) {
      assignment.listeners.push_back(std::move(listening));
    }
  }
  return assignment;
}

}  // namespace ringhorn::supervisor
