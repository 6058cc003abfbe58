#include <ringhorn/sock/listening.hpp>

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace ringhorn::sock {

namespace {

int int_option(int fd, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

bool is_served_family(int family) {
  return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

/// A filter sees a segment from its TCP header on. Dropping what opens a connection leaves the rest
/// alone: a handshake that is under way ends, and its connection gets into the queue.
bool drop_openings(int fd) {
  constexpr unsigned flags_offset = 13;
  constexpr unsigned syn = 0x02;
  constexpr unsigned ack = 0x10;
  constexpr unsigned whole = 0xFFFFFFFF;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_offset),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, syn | ack),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, syn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, whole),
  };
  const sock_fprog filter{sizeof program / sizeof program[0], program};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

}  // namespace

std::string Listening::to_string() const {
  if (address.family == Address::Family::unix_path) {
    return "unix socket " + address.host;
  }
  return "http://" + address.to_string();
}

base::Result<Listening, std::string> adopt(int fd) {
  const std::string name = "descriptor " + std::to_string(fd);
  if (::fcntl(fd, F_GETFD) < 0) {
    return base::Failure{"cannot listen on " + name + ": it is not open"};
  }
  if (int_option(fd, SO_TYPE) != SOCK_STREAM || !is_served_family(int_option(fd, SO_DOMAIN))) {
    return base::Failure{"cannot listen on " + name + ": it is not a stream socket"};
  }
  Address address = local_address(fd);
  const bool bound =
      address.family == Address::Family::unix_path ? !address.host.empty() : address.port != 0;
  if (!bound) {
    return base::Failure{"cannot listen on " + name + ": it is not bound to an address"};
  }
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  if (address.family != Address::Family::unix_path) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return Listening{base::UniqueFd(fd), std::move(address), Hold::shared};
}

bool seal(int fd, const Address& address) {
  return address.family == Address::Family::unix_path ? ::shutdown(fd, SHUT_RD) == 0
                                                      : drop_openings(fd);
}

}  // namespace ringhorn::sock
