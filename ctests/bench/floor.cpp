// The floor: what the kernel costs when a responder does nothing but receive and send: multishot
// accept and receive, one send per receive, no timers.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <vector>

#include "responder.hpp"
#include "ring.hpp"

namespace {

enum class Kind : unsigned { accept, receive, send };

constexpr unsigned buffer_count = 256;
constexpr unsigned buffer_bytes = 16384;

struct Connection {
  bench::RequestCounter counter;
  std::size_t owed = 0;  ///< responses not yet sent
  std::size_t sending = 0;
  bool ended = false;
  std::unique_ptr<bench::Responses> echo;
  std::size_t echo_bytes = static_cast<std::size_t>(-1);
};

using bench::fail;

class Floor {
 public:
  explicit Floor(const bench::Options& options) : options_(options), hello_(options.body_bytes) {
    listen();
  }

  void run() {
    arm_accept();
    for (;;) {
      ring_.turn(-1, [this](const io_uring_cqe& cqe) { handle(cqe); });
    }
  }

 private:
  void listen() {
    listen_fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(listen_fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(listen_fd_, 2048) != 0 ||
        ::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      fail("listen", errno);
    }
    std::printf("listening on %u\n", ntohs(address.sin_port));
    std::fflush(stdout);
  }

  static std::uint64_t data_of(Kind kind, int fd) {
    return static_cast<std::uint64_t>(kind) << 32 | static_cast<unsigned>(fd);
  }

  void arm_accept() {
    io_uring_sqe* const sqe = ring_.next_sqe();
    ::io_uring_prep_multishot_accept(sqe, listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    ::io_uring_sqe_set_data64(sqe, data_of(Kind::accept, listen_fd_));
  }

  void arm_receive(int fd) { ring_.arm_receive(fd, data_of(Kind::receive, fd)); }

  void handle(const io_uring_cqe& cqe) {
    const int fd = static_cast<int>(cqe.user_data & 0xffffffff);
    switch (static_cast<Kind>(cqe.user_data >> 32)) {
      case Kind::accept:
        return on_accepted(cqe);
      case Kind::receive:
        return on_received(fd, cqe);
      case Kind::send:
        return on_sent(fd, cqe.res);
    }
  }

  void on_accepted(const io_uring_cqe& cqe) {
    if (cqe.res >= 0) {
      const auto index = static_cast<std::size_t>(cqe.res);
      connections_.resize(std::max(connections_.size(), index + 1));
      connections_[index] = std::make_unique<Connection>();
      arm_receive(cqe.res);
    }
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
      arm_accept();
    }
  }

  void on_received(int fd, const io_uring_cqe& cqe) {
    if (cqe.res > 0) {
      Connection& connection = *connections_[static_cast<std::size_t>(fd)];
      connection.owed += connection.counter.feed(ring_.bytes_of(cqe), options_.discard);
      ring_.give_back(cqe);
      send(fd, connection);
    }
    if ((cqe.flags & IORING_CQE_F_MORE) != 0) {
      return;
    }
    if (cqe.res > 0 || cqe.res == -ENOBUFS) {
      arm_receive(fd);
    } else {
      connections_[static_cast<std::size_t>(fd)]->ended = true;
      close_idle(fd);
    }
  }

  /// Not before its send has ended: the kernel still reads the bytes.
  void close_idle(int fd) {
    std::unique_ptr<Connection>& connection = connections_[static_cast<std::size_t>(fd)];
    if (connection->ended && connection->sending == 0) {
      ::close(fd);
      connection.reset();
    }
  }

  void send(int fd, Connection& connection) {
    if (connection.owed == 0 || connection.sending > 0 || connection.ended) {
      return;
    }
    const bench::Responses& responses = options_.discard ? echo_of(connection) : hello_;
    const std::string_view bytes = responses.view(connection.owed);
    connection.sending = responses.count(bytes);
    connection.owed -= connection.sending;
    ring_.send(fd, bytes, data_of(Kind::send, fd));
  }

  static const bench::Responses& echo_of(Connection& connection) {
    if (connection.echo_bytes != connection.counter.body_bytes()) {
      connection.echo_bytes = connection.counter.body_bytes();
      connection.echo = std::make_unique<bench::Responses>(connection.echo_bytes);
    }
    return *connection.echo;
  }

  void on_sent(int fd, int result) {
    Connection& connection = *connections_[static_cast<std::size_t>(fd)];
    connection.sending = 0;
    if (result < 0) {
      // The receive hears of it too, and ends the connection.
      connection.owed = 0;
    }
    send(fd, connection);
    close_idle(fd);
  }

  bench::Options options_;
  bench::Responses hello_;
  bench::Ring ring_{buffer_count, buffer_bytes};
  int listen_fd_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  Floor(bench::read_options(argc, argv)).run();
}
