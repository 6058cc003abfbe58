// The floor: what the kernel costs when a responder does nothing but receive and send. It stands on
// liburing directly, so that it is a yardstick for `io` too: multishot accept and receive, provided
// buffers, deferred task work, one submit-and-wait a turn, one send per receive, no timers.

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <vector>

#include "responder.hpp"

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

[[noreturn]] void fail(const char* what, int error) {
  std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(error));
  std::exit(1);
}

class Floor {
 public:
  explicit Floor(const bench::Options& options) : options_(options), hello_(options.body_bytes) {
    set_up_ring();
    set_up_buffers();
    listen();
  }

  void run() {
    arm_accept();
    for (;;) {
      const int result = ::io_uring_submit_and_wait(&ring_, 1);
      if (result < 0 && result != -EINTR) {
        fail("io_uring_enter", -result);
      }
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_cqe* cqe = nullptr;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        handle(*cqe);
        ++seen;
      }
      ::io_uring_cq_advance(&ring_, seen);
    }
  }

 private:
  void set_up_ring() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = 8192;
    const int error = ::io_uring_queue_init_params(1024, &ring_, &params);
    if (error != 0) {
      fail("io_uring_setup", -error);
    }
    ::io_uring_register_ring_fd(&ring_);
  }

  void set_up_buffers() {
    const std::size_t ring_bytes = buffer_count * sizeof(io_uring_buf);
    void* memory = ::mmap(nullptr, ring_bytes + buffer_count * buffer_bytes, PROT_READ | PROT_WRITE,
                          MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED) {
      fail("mmap", errno);
    }
    buffers_ = static_cast<io_uring_buf_ring*>(memory);
    bytes_ = static_cast<char*>(memory) + ring_bytes;
    ::io_uring_buf_ring_init(buffers_);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = buffer_count;
    const int error = ::io_uring_register_buf_ring(&ring_, &registration, 0);
    if (error != 0) {
      fail("io_uring_register_buf_ring", -error);
    }
    for (unsigned id = 0; id < buffer_count; ++id) {
      give_back(id);
    }
  }

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

  io_uring_sqe* next_sqe(Kind kind, int fd) {
    io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
    while (sqe == nullptr) {
      ::io_uring_submit(&ring_);
      sqe = ::io_uring_get_sqe(&ring_);
    }
    // Only user_data is kept by the prep functions' callers: they clear the rest.
    next_data_ = static_cast<std::uint64_t>(kind) << 32 | static_cast<unsigned>(fd);
    return sqe;
  }

  void arm_accept() {
    io_uring_sqe* sqe = next_sqe(Kind::accept, listen_fd_);
    ::io_uring_prep_multishot_accept(sqe, listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    ::io_uring_sqe_set_data64(sqe, next_data_);
  }

  void arm_receive(int fd) {
    io_uring_sqe* sqe = next_sqe(Kind::receive, fd);
    ::io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    ::io_uring_sqe_set_data64(sqe, next_data_);
  }

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
      const unsigned id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
      Connection& connection = *connections_[static_cast<std::size_t>(fd)];
      connection.owed += connection.counter.feed(
          {bytes_ + id * buffer_bytes, static_cast<std::size_t>(cqe.res)}, options_.discard);
      give_back(id);
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
    io_uring_sqe* sqe = next_sqe(Kind::send, fd);
    // MSG_WAITALL: the kernel goes on after a short send, so that there is nothing to count here.
    ::io_uring_prep_send(sqe, fd, bytes.data(), bytes.size(), MSG_WAITALL | MSG_NOSIGNAL);
    ::io_uring_sqe_set_data64(sqe, next_data_);
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

  void give_back(unsigned id) {
    ::io_uring_buf_ring_add(buffers_, bytes_ + id * buffer_bytes, buffer_bytes,
                            static_cast<unsigned short>(id), ::io_uring_buf_ring_mask(buffer_count),
                            0);
    ::io_uring_buf_ring_advance(buffers_, 1);
  }

  bench::Options options_;
  bench::Responses hello_;
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  char* bytes_ = nullptr;
  int listen_fd_ = -1;
  std::uint64_t next_data_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  Floor(bench::read_options(argc, argv)).run();
}
