/// Client is a peer over loopback whose every byte the test decides: raw bytes out, raw bytes in,
/// FIN and RST on demand. Its socket never blocks; World turns the server while a test waits for
/// it.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::test {

class Client {
 public:
  /// `receive_buffer` > 0 makes a peer that takes little before it reads.
  explicit Client(std::uint16_t port, int receive_buffer = 0) {
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer > 0) {
      ::setsockopt(socket_.value(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_.value(), reinterpret_cast<const sockaddr*>(&address),
                           sizeof address) == 0;
  }

  bool connected() const noexcept { return connected_; }
  int fd() const noexcept { return socket_.value(); }

  /// Sends as much as the kernel takes now; how much that was.
  std::size_t send(std::string_view bytes) {
    const ssize_t sent =
        ::send(socket_.value(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  void finish() { ::shutdown(socket_.value(), SHUT_WR); }
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.value(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
  }
  void close() { socket_.reset(); }

  /// Takes what has come. True when anything changed.
  bool fill(std::size_t bytes_max = SIZE_MAX) {
    char buffer[65536];
    bool changed = false;
    while (!ended_ && bytes_max > 0) {
      const std::size_t room = bytes_max < sizeof buffer ? bytes_max : sizeof buffer;
      const ssize_t count = ::recv(socket_.value(), buffer, room, MSG_DONTWAIT);
      if (count > 0) {
        received_.append(buffer, static_cast<std::size_t>(count));
        bytes_max -= static_cast<std::size_t>(count);
      } else if (count == 0) {
        ended_ = true;
      } else if (errno == EAGAIN) {
        break;
      } else {
        ended_ = was_reset_ = true;
      }
      changed = true;
    }
    return changed;
  }

  const std::string& received() const noexcept { return received_; }
  std::string take() { return std::exchange(received_, {}); }
  /// The server's FIN or RST has come.
  bool ended() const noexcept { return ended_; }
  bool was_reset() const noexcept { return was_reset_; }

 private:
  base::UniqueFd socket_;
  bool connected_ = false;
  std::string received_;
  bool ended_ = false;
  bool was_reset_ = false;
};

}  // namespace ringhorn::test
