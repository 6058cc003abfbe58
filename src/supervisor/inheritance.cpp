#include "inheritance.hpp"

#include <fcntl.h>

#include <charconv>
#include <utility>

namespace ringhorn::supervisor {

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

void put_listeners(std::string& text, const Listeners& listeners) {
  for (const sock::Listening& listening : listeners) {
    put_fd(text, listening.socket.value());
    put(text, listening.hold == sock::Hold::ours ? 1 : 0);
    put(text, listening.share ? static_cast<long>(*listening.share) + 1 : 0);
  }
}

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

Listeners take_listeners(std::span<const int> numbers) {
  Listeners listeners;
  if (numbers.size() % numbers_per_listener != 0) {
    return {};
  }
  for (std::size_t i = 0; i < numbers.size(); i += numbers_per_listener) {
    auto listening = sock::adopt(numbers[i]);
    if (!listening) {
      return {};
    }
    listening.value().hold = numbers[i + 1] == 1 ? sock::Hold::ours : sock::Hold::shared;
    if (numbers[i + 2] > 0) {
      listening.value().share = static_cast<unsigned>(numbers[i + 2]) - 1;
    }
    listeners.push_back(listening.take_value());
  }
  return listeners;
}

}  // namespace ringhorn::supervisor
