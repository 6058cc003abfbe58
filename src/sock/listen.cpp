#include <ringhorn/sock/listen.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>

#include <ringhorn/sock/address.hpp>

namespace ringhorn::sock {

namespace {

struct Candidate {
  int family;
  sockaddr_storage address;
  socklen_t length;
};

struct BindFailure {
  int error;
  std::string sentence;
};

using Bound = base::Result<base::UniqueFd, BindFailure>;
using Resolved = base::Result<std::vector<Candidate>, std::string>;

/// strerror in lower case, as Python's asyncio words it.
std::string reason_of(int error) {
  std::string text = std::system_category().message(error);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

/// The address as Python prints the tuple of it: the sentence must be uvicorn's to the letter.
std::string python_tuple(const Candidate& candidate) {
  const Address address = make_address(candidate.address, candidate.length);
  std::string text = "('" + address.host + "', " + std::to_string(address.port);
  if (candidate.family == AF_INET6) {
    sockaddr_in6 ipv6;
    std::memcpy(&ipv6, &candidate.address, sizeof ipv6);
    text += ", " + std::to_string(ntohl(ipv6.sin6_flowinfo));
    text += ", " + std::to_string(ipv6.sin6_scope_id);
  }
  return text + ")";
}

std::string_view without_brackets(std::string_view host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

Resolved resolve(const ListenOptions& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const std::string host{without_brackets(options.host)};
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                  std::to_string(options.port).c_str(), &hints, &found);
  if (error != 0) {
    const int number = error == EAI_SYSTEM ? errno : error;
    const std::string reason =
        error == EAI_SYSTEM ? std::system_category().message(number) : ::gai_strerror(error);
    return base::Failure{"[Errno " + std::to_string(number) + "] cannot resolve host '" + host +
                         "': " + reason};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  std::vector<Candidate> candidates;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Candidate candidate{entry->ai_family, {}, entry->ai_addrlen};
    std::memcpy(&candidate.address, entry->ai_addr, entry->ai_addrlen);
    candidates.push_back(candidate);
  }
  // Most clients try `localhost` as 127.0.0.1 sooner or later, and the banner shows the first.
  std::stable_partition(candidates.begin(), candidates.end(),
                        [](const Candidate& candidate) { return candidate.family == AF_INET; });
  return candidates;
}

bool set_option(int fd, int level, int name) {
  const int on = 1;
  return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

Bound bind_one(const Candidate& candidate, bool shares_port) {
  const auto failed = [&](std::string_view what) {
    const int error = errno;
    return base::Failure{BindFailure{error, "[Errno " + std::to_string(error) +
                                                "] error while attempting to " + std::string(what) +
                                                " on address " + python_tuple(candidate) + ": " +
                                                reason_of(error)}};
  };
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  base::UniqueFd fd(::socket(candidate.family, type, IPPROTO_TCP));
  if (!fd) {
    return failed("create a socket");
  }
  // Linux hands TCP_NODELAY of a listener down to what it accepts: one call instead of one each.
  // IPV6_V6ONLY as asyncio: `::` and `0.0.0.0` are two sockets and may share a port.
  if (!set_option(fd.value(), SOL_SOCKET, SO_REUSEADDR) ||
      (shares_port && !set_option(fd.value(), SOL_SOCKET, SO_REUSEPORT)) ||
      !set_option(fd.value(), IPPROTO_TCP, TCP_NODELAY) ||
      (candidate.family == AF_INET6 && !set_option(fd.value(), IPPROTO_IPV6, IPV6_V6ONLY))) {
    return failed("set socket options");
  }
  if (::bind(fd.value(), reinterpret_cast<const sockaddr*>(&candidate.address), candidate.length) !=
      0) {
    return failed("bind");
  }
  return fd;
}

/// An address that cannot exist on this machine, as ::1 in a container without IPv6.
bool is_missing_here(int error) {
  return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

void set_port(Candidate& candidate, std::uint16_t port) {
  // sin_port and sin6_port lie at the same place.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  const in_port_t network_order = htons(port);
  std::memcpy(reinterpret_cast<char*>(&candidate.address) + offsetof(sockaddr_in, sin_port),
              &network_order, sizeof network_order);
}

}  // namespace

base::Result<base::UniqueFd, std::string> bind_tcp(const ListenOptions& options) {
  Resolved candidates = resolve(options);
  if (!candidates) {
    return base::Failure{candidates.error()};
  }
  std::string first_sentence;
  for (const Candidate& candidate : candidates.value()) {
    Bound bound = bind_one(candidate, options.shares_port);
    if (bound) {
      return bound.take_value();
    }
    if (first_sentence.empty()) {
      first_sentence = bound.error().sentence;
    }
  }
  return base::Failure{first_sentence};
}

base::Result<std::vector<base::UniqueFd>, std::string> bind_tcp_all(const ListenOptions& options) {
  Resolved candidates = resolve(options);
  if (!candidates) {
    return base::Failure{candidates.error()};
  }
  std::vector<base::UniqueFd> sockets;
  std::string missing;
  std::uint16_t port = options.port;
  for (Candidate& candidate : candidates.value()) {
    set_port(candidate, port);
    Bound bound = bind_one(candidate, options.shares_port);
    if (bound) {
      sockets.push_back(bound.take_value());
      port = local_address(sockets.back().value()).port;
    } else if (is_missing_here(bound.error().error)) {
      missing = missing.empty() ? bound.error().sentence : missing;
    } else {
      return base::Failure{bound.error().sentence};
    }
  }
  if (sockets.empty()) {
    return base::Failure{missing};
  }
  return sockets;
}

base::Result<bool, std::string> listen(int fd, int backlog) {
  if (::listen(fd, backlog) != 0) {
    const int error = errno;
    return base::Failure{"[Errno " + std::to_string(error) + "] cannot listen on " +
                         local_address(fd).to_string() + ": " + reason_of(error)};
  }
  return true;
}

int granted_backlog(int backlog) {
  int somaxconn = backlog;
  std::ifstream("/proc/sys/net/core/somaxconn") >> somaxconn;
  return std::min(backlog, std::max(somaxconn, 1));
}

}  // namespace ringhorn::sock
