// Unix sockets as files: made with exactly the mode that is asked for, taken over when stale,
// removed when they are still ours.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

#include <ringhorn/sock/listening.hpp>

namespace ringhorn::sock {

namespace {

struct UnixAddress {
  sockaddr_un storage{};
  socklen_t length = 0;

  const sockaddr* pointer() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

UnixAddress address_of(const UnixOptions& options) {
  UnixAddress address;
  address.storage.sun_family = AF_UNIX;
  const std::size_t start = options.abstract ? 1 : 0;
  const std::size_t room = sizeof address.storage.sun_path - 1;
  const std::size_t size = std::min(options.name.size(), room);
  std::memcpy(address.storage.sun_path + start, options.name.data(), size);
  // The length ends an abstract name, a zero byte ends a path.
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size + 1);
  return address;
}

std::string sentence(const UnixOptions& options, int error, const std::string& reason) {
  return "[Errno " + std::to_string(error) + "] cannot listen on the unix socket " +
         (options.abstract ? "@" : "") + options.name + ": " + reason;
}

std::string sentence(const UnixOptions& options, int error) {
  return sentence(options, error, std::system_category().message(error));
}

/// Whether somebody accepts there. A full queue (EAGAIN) is somebody's too.
bool is_served(const UnixAddress& address) {
  base::UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.value(), address.pointer(), address.length) == 0 || errno != ECONNREFUSED;
}

/// What stands in the way of a bind: removed, or the reason why it stays.
std::string clear_way(const UnixOptions& options, const UnixAddress& address) {
  struct stat status {};
  if (::lstat(options.name.c_str(), &status) != 0) {
    return {};
  }
  if (!S_ISSOCK(status.st_mode)) {
    return sentence(options, EEXIST, "a file of this name exists and is not a socket");
  }
  if (is_served(address)) {
    return sentence(options, EADDRINUSE, "another server is listening there");
  }
  if (status.st_uid != ::geteuid() && ::geteuid() != 0) {
    return sentence(options, EPERM, "a socket of another user is left there");
  }
  return ::unlink(options.name.c_str()) == 0 ? "" : sentence(options, errno);
}

std::string set_access(const UnixOptions& options) {
  const uid_t user = options.user.value_or(static_cast<uid_t>(-1));
  const gid_t group = options.group.value_or(static_cast<gid_t>(-1));
  if ((options.user || options.group) && ::lchown(options.name.c_str(), user, group) != 0) {
    return sentence(options, errno);
  }
  return ::chmod(options.name.c_str(), options.mode) == 0 ? "" : sentence(options, errno);
}

}  // namespace

base::Result<Listening, std::string> bind_unix(const UnixOptions& options) {
  const UnixAddress address = address_of(options);
  if (!options.abstract) {
    const std::string obstacle = clear_way(options, address);
    if (!obstacle.empty()) {
      return base::Failure{obstacle};
    }
  }
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    return base::Failure{sentence(options, errno)};
  }
  // Nobody gets in before the mode is right.
  const mode_t mask = ::umask(0777);
  const int error = ::bind(fd.value(), address.pointer(), address.length) == 0 ? 0 : errno;
  ::umask(mask);
  std::string failure = error == 0 ? "" : sentence(options, error);
  if (failure.empty() && !options.abstract) {
    failure = set_access(options);
  }
  if (!failure.empty()) {
    return base::Failure{failure};
  }
  Address local = local_address(fd.value());
  auto file = options.abstract ? std::nullopt : socket_file(options.name);
  return Listening{std::move(fd), std::move(local), Hold::ours, file};
}

std::optional<FileId> socket_file(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return std::nullopt;
  }
  return FileId{status.st_dev, status.st_ino};
}

void remove_file(const Listening& listening) {
  if (listening.file && socket_file(listening.address.host) == listening.file) {
    ::unlink(listening.address.host.c_str());
  }
}

}  // namespace ringhorn::sock
