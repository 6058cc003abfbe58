#include "signal_watch.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cstring>

namespace ringhorn::supervisor {

namespace {

constexpr int watched[] = {SIGCHLD, SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
                           SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH};

}  // namespace

SignalWatch::SignalWatch() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : watched) {
    sigaddset(&set, number);
  }
  sigprocmask(SIG_BLOCK, &set, &before_);
  fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

SignalWatch::~SignalWatch() {
  if (fd_) {
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
}

std::optional<int> SignalWatch::take() const {
  signalfd_siginfo info{};
  if (::read(fd_.value(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
    return std::nullopt;
  }
  return static_cast<int>(info.ssi_signo);
}

void SignalWatch::leave_to_child() {
  fd_.reset();
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(number);
}

}  // namespace ringhorn::supervisor
