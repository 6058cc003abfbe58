// Where the ring cannot be had, and how often the driver calls the kernel. Both put a filter on the
// system calls, which cannot be taken off again: they run in a forked child.

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <deque>
#include <string>

#include "io_support.hpp"

using namespace io_test;

namespace {

constexpr std::uint32_t any_opcode = 0xffffffff;
constexpr std::uint32_t register_buffer_ring = 22;  // IORING_REGISTER_PBUF_RING

/// From here on `call` fails with `error`, for io_uring_register only with `opcode`. Like the
/// default seccomp profile of a container.
void forbid(long call, int error, std::uint32_t opcode = any_opcode) {
  const auto second_argument = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8);
  const bool any = opcode == any_opcode;
  std::array<sock_filter, 6> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, second_argument),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, opcode, 0, static_cast<std::uint8_t>(any ? 0 : 1)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    ::_exit(99);
  }
}

/// Ends the child with its result, on the spot: its operations need not be brought to an end.
using Finish = std::function<void(const std::string&)>;

/// Runs `body` in a child and returns what it finished with, "" when it died.
std::string run_in_child(const std::function<void(const Finish&)>& body) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    body([&](const std::string& text) {
      [[maybe_unused]] const ssize_t count = ::write(writer.value(), text.data(), text.size());
      ::_exit(0);
    });
  }
  writer.reset();
  std::string text(4096, '\0');
  const ssize_t count = ::read(reader.value(), text.data(), text.size());
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  int status = 0;
  ::waitpid(child, &status, 0);
  return text;
}

std::unique_ptr<io::Driver> make_ring(const io::UringSettings& settings = {}) {
  return io::make_uring_driver(settings).take_value();
}

std::string sentence_when(long call, int error, std::uint32_t opcode = any_opcode) {
  return run_in_child([&](const Finish& finish) {
    forbid(call, error, opcode);
    const auto driver = io::make_uring_driver({});
    finish(driver.ok() ? "no error" : driver.error());
  });
}

struct Refusal {
  const char* name;
  long call;
  int error;
  std::uint32_t opcode;
  const char* cause;
  const char* remedy;
};

}  // namespace

TEST_CASE("make_uring_driver names cause and remedy in one sentence (robustness 89, 90)", "[io]") {
  const std::array<Refusal, 7> refusals{{
      {"seccomp", SYS_io_uring_setup, EPERM, any_opcode, "seccomp profile", "allow io_uring_setup"},
      {"no ring", SYS_io_uring_setup, ENOSYS, any_opcode, "has no io_uring", "run on Linux 6.1"},
      {"memory", SYS_io_uring_setup, ENOMEM, any_opcode, "no memory", "ulimit -l"},
      {"descriptors", SYS_io_uring_setup, EMFILE, any_opcode, "no file descriptor", "ulimit -n"},
      {"before 5.19", SYS_io_uring_register, EINVAL, register_buffer_ring, "too old", "upgrade"},
      {"locked memory", SYS_io_uring_register, ENOMEM, register_buffer_ring, "no memory",
       "LimitMEMLOCK"},
      {"unknown", SYS_io_uring_setup, EIO, any_opcode, "[Errno 5]", "report"},
  }};
  for (const Refusal& refusal : refusals) {
    const std::string sentence = sentence_when(refusal.call, refusal.error, refusal.opcode);
    INFO(refusal.name << ": " << sentence);
    CHECK(sentence.find(refusal.cause) != std::string::npos);
    CHECK(sentence.find(refusal.remedy) != std::string::npos);
    CHECK(sentence.find('\n') == std::string::npos);
  }
}

TEST_CASE("make_uring_driver works where the ring's descriptor cannot be registered", "[io]") {
  constexpr std::uint32_t register_ring_fds = 20;  // IORING_REGISTER_RING_FDS, 5.18
  REQUIRE(sentence_when(SYS_io_uring_register, EINVAL, register_ring_fds) == "no error");
}

TEST_CASE("UringDriver runs completions that are at hand without a system call", "[io]") {
  const std::string result = run_in_child([](const Finish& finish) {
    const auto driver = make_ring({.events_per_turn = 1});
    const Pair pair = make_pair();
    std::deque<Poller> pollers;
    for (int index = 0; index < 5; ++index) {
      pollers.emplace_back(*driver, pair.near.value()).poll.start(POLLOUT);
    }
    turn(*driver, io::Driver::forever);
    // An enter would fail with an errno that the driver takes for a bug.
    forbid(SYS_io_uring_enter, EBADF);
    while (driver->has_completions()) {
      turn(*driver, io::Driver::forever);
    }
    finish(pollers.back().ready.empty() ? "lost" : "done");
  });
  REQUIRE(result == "done");
}

TEST_CASE("UringDriver looks without a system call when the kernel has no news", "[io]") {
  const std::string result = run_in_child([](const Finish& finish) {
    const auto driver = make_ring();
    const Pair pair = make_pair();
    Receiver receiver(*driver, pair.near);
    receiver.receive.start();
    settle(*driver);
    forbid(SYS_io_uring_enter, EBADF);
    for (int times = 0; times < 10; ++times) {
      turn(*driver, 0);
    }
    finish("done");
  });
  REQUIRE(result == "done");
}

TEST_CASE("UringDriver counts on the kernel's word: an impossible errno is a bug of ours", "[io]") {
  const std::string result = run_in_child([](const Finish& finish) {
    const auto driver = make_ring();
    ::close(STDERR_FILENO);
    forbid(SYS_io_uring_enter, EBADF);
    driver->wait(io::Driver::forever);
    finish("went on");
  });
  REQUIRE(result.empty());
}
