/// Binding and listening. Called at start-up; may block on name resolution.
#pragma once

#include <cstdint>
#include <string>

#include <ringhorn/base/result.hpp>
#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::sock {

struct ListenOptions {
  std::string host;        ///< name, IPv4 or IPv6 address
  std::uint16_t port = 0;  ///< 0: any free one
  int backlog = 2048;
};

/// A bound socket: SO_REUSEADDR, non-blocking, close-on-exec, TCP_NODELAY (inherited by accepted
/// sockets). Not yet listening. On failure one sentence as uvicorn's:
/// `[Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use`.
base::Result<base::UniqueFd, std::string> bind_tcp(const ListenOptions& options);

/// Starts listening. On failure a sentence.
base::Result<bool, std::string> listen(int fd, int backlog);

}  // namespace ringhorn::sock
