#include <ringhorn/supervisor/assignment.hpp>

#include <fcntl.h>

#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

namespace ringhorn::supervisor {

namespace {

void put(std::string& text, long number) {
  if (!text.empty()) {
    text += ' ';
  }
  text += std::to_string(number);
}

void put_fd(std::string& text, int fd) {
  ::fcntl(fd, F_SETFD, 0);
  put(text, fd);
}

/// The numbers of a list on single spaces; empty when one of them is none.
std::vector<int> numbers_in(std::string_view text) {
  std::vector<int> numbers;
  while (!text.empty()) {
    int number = -1;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0) {
      return {};
    }
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    text.remove_prefix(text.starts_with(' ') ? 1 : 0);
  }
  return numbers;
}

base::UniqueFd inherited(int fd) {
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return base::UniqueFd(fd);
}

}  // namespace

std::string hand_on(const Assignment& assignment) {
  std::string text;
  put(text, assignment.slot);
  put(text, assignment.generation);
  put(text, static_cast<long>(assignment.entry));
  put_fd(text, assignment.channel.fd());
  put_fd(text, assignment.board.fd());
  for (const sock::Listening& listening : assignment.listeners) {
    put_fd(text, listening.socket.value());
    put(text, listening.hold == sock::Hold::ours ? 1 : 0);
  }
  return text;
}

std::optional<Assignment> take_over(const std::string& text) {
  constexpr std::size_t fixed = 5;
  const std::vector<int> numbers = numbers_in(text);
  if (numbers.size() <= fixed || (numbers.size() - fixed) % 2 != 0) {
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
  for (std::size_t i = fixed; i < numbers.size(); i += 2) {
    auto listening = sock::adopt(numbers[i]);
    if (!listening) {
      return std::nullopt;
    }
    listening.value().hold = numbers[i + 1] == 1 ? sock::Hold::ours : sock::Hold::shared;
    assignment.listeners.push_back(listening.take_value());
  }
  return assignment;
}

}  // namespace ringhorn::supervisor
