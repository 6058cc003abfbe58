#include <ringhorn/sock/channel.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace ringhorn::sock {

base::Result<std::pair<Channel, Channel>, std::string> Channel::make_pair() {
  std::array<int, 2> ends{};
  // Messages stay apart, and unlike with datagrams the end of the other process is seen.
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return base::Failure{"a worker cannot be connected: " + std::system_category().message(errno)};
  }
  return std::pair(Channel(base::UniqueFd(ends[0])), Channel(base::UniqueFd(ends[1])));
}

bool Channel::say(Word word, std::string_view text) const {
  std::string bytes(1, static_cast<char>(word));
  bytes.append(text.substr(0, text_bytes_max));
  return ::send(socket_.value(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

Channel::State Channel::hear(Message& message) const {
  std::array<char, text_bytes_max + 1> bytes;
  ssize_t count = -1;
  do {
    count = ::recv(socket_.value(), bytes.data(), bytes.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    message.word = static_cast<Word>(bytes[0]);
    message.text.assign(bytes.data() + 1, static_cast<std::size_t>(count) - 1);
    return State::message;
  }
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? State::silence : State::end;
}

}  // namespace ringhorn::sock
