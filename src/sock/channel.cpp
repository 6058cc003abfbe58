#include <ringhorn/sock/channel.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace ringhorn::sock {

namespace {

/// Room for one descriptor beside the bytes of a message.
struct Luggage {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

msghdr message_of(iovec& piece, Luggage& luggage) {
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = luggage.bytes.data();
  message.msg_controllen = luggage.bytes.size();
  return message;
}

base::UniqueFd descriptor_in(msghdr& message) {
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  int fd = -1;
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  }
  return base::UniqueFd(fd);
}

std::string bytes_of(Word word, std::string_view text) {
  std::string bytes(1, static_cast<char>(word));
  return bytes.append(text.substr(0, Channel::text_bytes_max));
}

}  // namespace

base::Result<std::pair<Channel, Channel>, std::string> Channel::make_pair() {
  std::array<int, 2> ends{};
  // Messages stay apart, and unlike with datagrams the end of the other process is seen.
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return base::Failure{"a worker cannot be connected: " + std::system_category().message(errno)};
  }
  return std::pair(Channel(base::UniqueFd(ends[0])), Channel(base::UniqueFd(ends[1])));
}

bool Channel::say(Word word, std::string_view text) const {
  const std::string bytes = bytes_of(word, text);
  return ::send(socket_.value(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

bool Channel::pass(Word word, std::string_view text, int fd) const {
  std::string bytes = bytes_of(word, text);
  Luggage luggage{};
  iovec piece{bytes.data(), bytes.size()};
  msghdr message = message_of(piece, luggage);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(socket_.value(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

Channel::State Channel::hear(Message& message) const {
  std::array<char, text_bytes_max + 1> bytes;
  Luggage luggage{};
  iovec piece{bytes.data(), bytes.size()};
  msghdr received = message_of(piece, luggage);
  ssize_t count = -1;
  do {
    count = ::recvmsg(socket_.value(), &received, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    message.descriptor = descriptor_in(received);
    message.word = static_cast<Word>(bytes[0]);
    message.text.assign(bytes.data() + 1, static_cast<std::size_t>(count) - 1);
    return State::message;
  }
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? State::silence : State::end;
}

}  // namespace ringhorn::sock
