/// Binding and listening. Called at start-up, by the worker or the supervisor; may block on name
/// resolution. It never accepts, and reads no option but those it is given.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ringhorn/base/result.hpp>
#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::sock {

struct ListenOptions {
  std::string host;  ///< name, IPv4 or IPv6 address (brackets allowed); empty: every interface
  std::uint16_t port = 0;  ///< 0: any free one
  int backlog = 2048;
  /// SO_REUSEPORT: other sockets that set it, too, may be bound to the same address; each gets the
  /// connections that the kernel chooses by hash, and has a queue of its own.
  bool shares_port = false;
};

/// A bound socket: SO_REUSEADDR, non-blocking, close-on-exec, TCP_NODELAY (inherited by accepted
/// sockets). Not yet listening. A name with several addresses takes the first that can be bound,
/// IPv4 before IPv6. On failure one sentence as uvicorn's:
/// `[Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in
/// use`.
base::Result<base::UniqueFd, std::string> bind_tcp(const ListenOptions& options);

/// The same for every address that the name has, as asyncio's create_server does for `localhost`:
/// at least one socket, all on the same port. Fails when one of the addresses cannot be bound, but
/// for a family or an address that this machine has not got while another could be bound.
base::Result<std::vector<base::UniqueFd>, std::string> bind_tcp_all(const ListenOptions& options);

/// Starts listening. On failure a sentence. `value()` is always true.
base::Result<bool, std::string> listen(int fd, int backlog);

/// How many connections the kernel lets wait when `backlog` are asked for: net.core.somaxconn
/// bounds it without a word (listen(2)). `backlog` itself where that cannot be read.
int granted_backlog(int backlog);

}  // namespace ringhorn::sock
