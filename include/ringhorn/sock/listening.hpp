/// Listening is a socket that serves: bound or inherited, with what must be known of it until its
/// end. Made at start-up by whoever binds (the supervisor's side), handed to workers. It never
/// accepts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include <ringhorn/base/result.hpp>
#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/sock/address.hpp>

namespace ringhorn::sock {

/// Who else may hold the socket.
enum class Hold : std::uint8_t {
  ours,    ///< bound by this server: it is sealed before its end
  shared,  ///< of a service manager or another server too: it is left as it is
};

/// Which file of the file system it is.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;

  bool operator==(const FileId& other) const = default;
};

struct Listening {
  base::UniqueFd socket;
  Address address;
  Hold hold = Hold::ours;
  std::optional<FileId> file = std::nullopt;  ///< of a Unix socket that has one
  /// Of several sockets with this address, which one; empty: it is the only one.
  std::optional<unsigned> share = std::nullopt;

  /// For the banner: `http://127.0.0.1:8000`, `unix socket /run/app.sock`.
  std::string to_string() const;
};

struct UnixOptions {
  std::string name;       ///< a path, or an abstract name without its leading zero byte
  bool abstract = false;  ///< not a file: `mode` and the owner do not apply
  mode_t mode = 0666;     ///< exactly, whatever the umask says
  std::optional<uid_t> user;
  std::optional<gid_t> group;
};

/// A bound Unix socket: non-blocking, close-on-exec, not yet listening. A file in the way is
/// removed only when it is a socket of ours that nobody serves. On failure a sentence.
base::Result<Listening, std::string> bind_unix(const UnixOptions& options);

/// Takes an inherited descriptor: a stream socket that is bound. It becomes non-blocking and
/// close-on-exec. On failure a sentence, and `fd` stays open.
base::Result<Listening, std::string> adopt(int fd);

/// Lets no newcomer in, while those who are in the queue stay and can be accepted: who connects
/// from now on is refused (Unix), or not answered until the socket is closed and then refused
/// (TCP). Every process that has the socket is concerned. False when the kernel does not do it.
bool seal(int fd, const Address& address);

/// Removes the file of a Unix socket, unless another one has taken its place.
void remove_file(const Listening& listening);
/// The socket file at `path`; empty when there is none.
std::optional<FileId> socket_file(const std::string& path);

}  // namespace ringhorn::sock
