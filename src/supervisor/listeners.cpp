#include <ringhorn/supervisor/listeners.hpp>

#include <unistd.h>

#include <charconv>
#include <iterator>
#include <utility>

#include <ringhorn/sock/listen.hpp>

#include "owner.hpp"

namespace ringhorn::supervisor {

namespace {

using Opened = base::Result<Listeners, std::string>;

/// The number that a variable holds; -1 when it holds none.
int number_in(const config::Environment& environment, const std::string& name) {
  const std::string text = environment(name).value_or("");
  int number = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && stop == text.data() + text.size() ? number : -1;
}

/// One socket for each address that the host has; their ports are the same.
Opened bind_addresses(const sock::ListenOptions& wanted, std::optional<unsigned> share) {
  auto sockets = sock::bind_tcp_all(wanted);
  if (!sockets) {
    return base::Failure{sockets.error()};
  }
  Listeners listeners;
  for (base::UniqueFd& socket : sockets.value()) {
    sock::Address address = sock::local_address(socket.value());
    listeners.push_back({.socket = std::move(socket),
                         .address = std::move(address),
                         .hold = sock::Hold::ours,
                         .share = share});
  }
  return listeners;
}

Opened bind_shares(const sock::ListenOptions& wanted, unsigned count) {
  Listeners listeners;
  for (unsigned share = 0; share < count; ++share) {
    Opened opened = bind_addresses(wanted, share);
    if (!opened) {
      return opened;
    }
    std::move(opened.value().begin(), opened.value().end(), std::back_inserter(listeners));
  }
  return listeners;
}

Opened open_tcp(const config::Endpoint& endpoint, const config::Options& options) {
  sock::ListenOptions wanted{endpoint.host, endpoint.port, options.backlog};
  if (options.balance == config::Balance::shared) {
    return bind_addresses(wanted, std::nullopt);
  }
  // Sockets that share a port do so with those of other servers, too: whether it is taken shows
  // only to one that does not.
  {
    const Opened probe = bind_addresses(wanted, std::nullopt);
    if (!probe) {
      return base::Failure{probe.error()};
    }
    wanted.port = probe.value().front().address.port;
  }
  wanted.shares_port = true;
  return bind_shares(wanted, options.workers.value_or(1));
}

Opened one(base::Result<sock::Listening, std::string> opened) {
  if (!opened) {
    return base::Failure{opened.error()};
  }
  Listeners listeners;
  listeners.push_back(opened.take_value());
  return listeners;
}

Opened open_unix(const config::Endpoint& endpoint, const config::Options& options) {
  sock::UnixOptions wanted{.name = endpoint.host,
                           .abstract = endpoint.kind == config::Endpoint::Kind::unix_abstract,
                           .mode = options.uds_mode,
                           .user = std::nullopt,
                           .group = std::nullopt};
  if (!options.uds_owner.empty()) {
    const auto owner = look_up_owner(options.uds_owner);
    if (!owner) {
      return base::Failure{"--uds-owner: " + owner.error()};
    }
    wanted.user = owner.value().user;
    wanted.group = owner.value().group;
  }
  return one(sock::bind_unix(wanted));
}

Opened open_endpoint(const config::Endpoint& endpoint, const config::Options& options) {
  switch (endpoint.kind) {
    case config::Endpoint::Kind::tcp:
      return open_tcp(endpoint, options);
    case config::Endpoint::Kind::unix_path:
    case config::Endpoint::Kind::unix_abstract:
      return open_unix(endpoint, options);
    case config::Endpoint::Kind::descriptor:
      break;
  }
  return one(sock::adopt(endpoint.descriptor));
}

/// Empty, or why `listeners` could not be extended.
std::string add(Listeners& listeners, Opened opened, int backlog) {
  if (!opened) {
    return opened.error();
  }
  for (sock::Listening& listening : opened.value()) {
    const auto listens = sock::listen(listening.socket.value(), backlog);
    if (!listens) {
      return listens.error();
    }
    listeners.push_back(std::move(listening));
  }
  return {};
}

std::string open_all(const config::Options& options, const std::vector<int>& activated,
                     Listeners& listeners) {
  std::string failure;
  for (const int fd : activated) {
    failure = failure.empty() ? add(listeners, one(sock::adopt(fd)), options.backlog) : failure;
  }
  if (!activated.empty() && !config::has_endpoints(options)) {
    return failure;
  }
  for (const config::Endpoint& endpoint : config::endpoints_of(options)) {
    failure = failure.empty() ? add(listeners, open_endpoint(endpoint, options), options.backlog)
                              : failure;
  }
  return failure;
}

}  // namespace

std::vector<int> activated_descriptors(const config::Environment& environment) {
  constexpr int first = 3;  // SD_LISTEN_FDS_START
  std::vector<int> descriptors;
  if (number_in(environment, "LISTEN_PID") == ::getpid()) {
    const int count = number_in(environment, "LISTEN_FDS");
    for (int i = 0; i < count; ++i) {
      descriptors.push_back(first + i);
    }
  }
  return descriptors;
}

Opened open_listeners(const config::Options& options, const std::vector<int>& activated) {
  Listeners listeners;
  const std::string failure = open_all(options, activated, listeners);
  if (!failure.empty()) {
    for (const sock::Listening& listening : listeners) {
      sock::remove_file(listening);
    }
    return base::Failure{failure};
  }
  return listeners;
}

std::string backlog_warning(const config::Options& options) {
  const int granted = sock::granted_backlog(options.backlog);
  return granted >= options.backlog
             ? ""
             : "--backlog " + std::to_string(options.backlog) +
                   " is more than net.core.somaxconn allows: " + std::to_string(granted) +
                   " connections can wait.";
}

bool serves(unsigned slot, unsigned count, const sock::Listening& listening, unsigned shares) {
  if (!listening.share) {
    return true;
  }
  return count < shares ? *listening.share % count == slot : *listening.share == slot % shares;
}

}  // namespace ringhorn::supervisor
