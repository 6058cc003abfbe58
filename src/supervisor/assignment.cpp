#include <ringhorn/supervisor/assignment.hpp>

#include <utility>
#include <vector>

#include "inheritance.hpp"

namespace ringhorn::supervisor {

std::string hand_on(const Assignment& assignment) {
  std::string text;
  put(text, assignment.slot);
  put(text, assignment.generation);
  put(text, static_cast<long>(assignment.entry));
  put_fd(text, assignment.channel.fd());
  put_fd(text, assignment.board.fd());
  put_listeners(text, assignment.listeners);
  return text;
}

std::optional<Assignment> take_over(const std::string& text) {
  constexpr std::size_t fixed = 5;
  const std::vector<int> numbers = numbers_in(text);
  if (numbers.size() <= fixed) {
    return std::nullopt;
  }
  auto board = telemetry::Board::adopt(inherited(numbers[4]));
  if (!board) {
    return std::nullopt;
  }
  Assignment assignment{static_cast<unsigned>(numbers[0]),
                        static_cast<unsigned>(numbers[1]),
                        static_cast<std::size_t>(numbers[2]),
                        sock::Channel(inherited(numbers[3])),
                        board.take_value(),
                        {}};
  assignment.listeners = take_listeners({numbers.data() + fixed, numbers.size() - fixed});
  if (assignment.listeners.empty()) {
    return std::nullopt;
  }
  return assignment;
}

}  // namespace ringhorn::supervisor
