#include <ringhorn/sock/listening.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <ringhorn/sock/listen.hpp>

#include "support/catch.hpp"

using ringhorn::base::UniqueFd;
using ringhorn::sock::Address;
using ringhorn::sock::adopt;
using ringhorn::sock::bind_tcp;
using ringhorn::sock::bind_unix;
using ringhorn::sock::Hold;
using ringhorn::sock::Listening;
using ringhorn::sock::seal;
using ringhorn::sock::UnixOptions;

namespace {

/// A directory that goes with the test.
class Directory {
 public:
  Directory() {
    std::string name = std::filesystem::temp_directory_path() / "ringhorn-sock-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Begins to connect to what `fd` is bound to: the socket, or the errno that refused.
struct Attempt {
  UniqueFd socket;
  int error;
};

Attempt connect_to(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  UniqueFd client(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int result = ::connect(client.value(), reinterpret_cast<sockaddr*>(&address), length);
  return {std::move(client), result == 0 ? 0 : errno};
}

bool can_accept(int fd) {
  return UniqueFd(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)).value() >= 0;
}

Listening listening_tcp() {
  UniqueFd fd = bind_tcp({.host = "127.0.0.1"}).take_value();
  REQUIRE(ringhorn::sock::listen(fd.value(), 16).ok());
  const Address address = ringhorn::sock::local_address(fd.value());
  return {std::move(fd), address, Hold::ours, std::nullopt};
}

Listening listening_unix(const UnixOptions& options) {
  Listening listening = bind_unix(options).take_value();
  REQUIRE(ringhorn::sock::listen(listening.socket.value(), 16).ok());
  return listening;
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("bind_unix makes a socket with exactly the mode asked for", "[sock]") {
  const Directory directory;
  const mode_t mask = ::umask(077);
  for (const mode_t mode : {0666U, 0660U, 0600U}) {
    const std::string path = directory.file(std::to_string(mode));
    const Listening listening = listening_unix({.name = path, .mode = mode});
    CHECK(mode_of(path) == mode);
    CHECK(listening.address.to_string() == path);
    CHECK(listening.to_string() == "unix socket " + path);
    CHECK((::fcntl(listening.socket.value(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(listening.socket.value(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(connect_to(listening.socket.value()).error == 0);
  }
  CHECK(::umask(mask) == 077);
}

TEST_CASE("bind_unix takes a stale socket over and leaves a live one alone", "[sock]") {
  const Directory directory;
  const std::string path = directory.file("app.sock");
  { const Listening first = listening_unix({.name = path}); }
  const Listening second = listening_unix({.name = path});
  const auto third = bind_unix({.name = path});
  REQUIRE_FALSE(third.ok());
  CHECK(third.error() == "[Errno 98] cannot listen on the unix socket " + path +
                             ": another server is listening there");
  CHECK(connect_to(second.socket.value()).error == 0);
}

TEST_CASE("bind_unix removes no file that is not a socket", "[sock]") {
  const Directory directory;
  const std::string path = directory.file("precious");
  std::ofstream(path) << "text";
  const auto bound = bind_unix({.name = path});
  REQUIRE_FALSE(bound.ok());
  CHECK(bound.error() == "[Errno 17] cannot listen on the unix socket " + path +
                             ": a file of this name exists and is not a socket");
  CHECK(std::filesystem::file_size(path) == 4);
}

TEST_CASE("bind_unix says why a socket cannot be made", "[sock]") {
  const Directory directory;
  const std::string path = directory.file("missing/app.sock");
  const auto bound = bind_unix({.name = path});
  REQUIRE_FALSE(bound.ok());
  CHECK(bound.error() ==
        "[Errno 2] cannot listen on the unix socket " + path + ": No such file or directory");
}

TEST_CASE("bind_unix takes a path of 107 bytes and an abstract name", "[sock]") {
  const Directory directory;
  std::string path = directory.file("");
  path.append(107 - path.size(), 'x');
  CHECK(listening_unix({.name = path}).address.host == path);
  const std::string name = "ringhorn-test-" + std::to_string(::getpid());
  const Listening abstract = listening_unix({.name = name, .abstract = true});
  CHECK(abstract.address.host == "@" + name);
  CHECK_FALSE(abstract.file);
  CHECK(connect_to(abstract.socket.value()).error == 0);
}

TEST_CASE("remove_file removes its own socket and no successor's", "[sock]") {
  const Directory directory;
  const std::string path = directory.file("app.sock");
  const Listening first = listening_unix({.name = path});
  REQUIRE(::unlink(path.c_str()) == 0);
  const Listening second = listening_unix({.name = path});
  remove_file(first);
  CHECK(std::filesystem::exists(path));
  remove_file(second);
  CHECK_FALSE(std::filesystem::exists(path));
  remove_file(second);
}

TEST_CASE("adopt takes a bound stream socket and nothing else", "[sock]") {
  UniqueFd bound = bind_tcp({.host = "127.0.0.1"}).take_value();
  ::fcntl(bound.value(), F_SETFD, 0);
  const int number = bound.release();
  auto adopted = adopt(number);
  REQUIRE(adopted.ok());
  CHECK(adopted.value().socket.value() == number);
  CHECK(adopted.value().hold == Hold::shared);
  CHECK(adopted.value().address.host == "127.0.0.1");
  CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);

  const auto refusal = [](int fd) {
    const auto result = adopt(fd);
    REQUIRE_FALSE(result.ok());
    return result.error().substr(result.error().find(": ") + 2);
  };
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  const UniqueFd read_end(pipe[0]);
  const UniqueFd write_end(pipe[1]);
  CHECK(refusal(pipe[0]) == "it is not a stream socket");
  const UniqueFd datagram(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  CHECK(refusal(datagram.value()) == "it is not a stream socket");
  const UniqueFd unbound(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(refusal(unbound.value()) == "it is not bound to an address");
  CHECK(refusal(999'999) == "it is not open");
}

TEST_CASE("seal keeps who is in the queue and refuses newcomers on Unix", "[sock]") {
  const std::string name = "ringhorn-seal-" + std::to_string(::getpid());
  const Listening listening = listening_unix({.name = name, .abstract = true});
  const Attempt before = connect_to(listening.socket.value());
  REQUIRE(before.error == 0);
  REQUIRE(seal(listening.socket.value(), listening.address));
  CHECK(connect_to(listening.socket.value()).error == ECONNREFUSED);
  CHECK(can_accept(listening.socket.value()));
  CHECK_FALSE(can_accept(listening.socket.value()));
}

TEST_CASE("seal keeps who is in the queue and does not answer newcomers on TCP", "[sock]") {
  Listening listening = listening_tcp();
  const Attempt before = connect_to(listening.socket.value());
  REQUIRE(before.error == EINPROGRESS);
  pollfd connected{before.socket.value(), POLLOUT, 0};
  REQUIRE(::poll(&connected, 1, 5000) == 1);
  REQUIRE(seal(listening.socket.value(), listening.address));
  const Attempt after = connect_to(listening.socket.value());
  CHECK(after.error == EINPROGRESS);
  pollfd undecided{after.socket.value(), POLLOUT, 0};
  CHECK(::poll(&undecided, 1, 0) == 0);
  // Who was let in talks on as before: the filter concerns openings only.
  CHECK(::send(before.socket.value(), "x", 1, MSG_NOSIGNAL) == 1);
  UniqueFd accepted(::accept4(listening.socket.value(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(accepted);
  char byte = 0;
  CHECK(::recv(accepted.value(), &byte, 1, 0) == 1);
  CHECK_FALSE(can_accept(listening.socket.value()));
  listening.socket.reset();
  // Its next try, a second later, is refused.
  REQUIRE(::poll(&undecided, 1, 5000) == 1);
  CHECK((undecided.revents & POLLERR) != 0);
}
