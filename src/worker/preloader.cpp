#include <ringhorn/worker/preloader.hpp>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <ringhorn/py/error.hpp>
#include <ringhorn/py/gil.hpp>
#include <ringhorn/py/importer.hpp>
#include <ringhorn/py/source.hpp>

#include "load.hpp"
#include "preload_source.hpp"

namespace ringhorn::worker {

bool Preloader::load() {
  glue_ = py::run_source("ringhorn.preload", py::preload_source);
  if (!glue_ || !py::Ref::steal(PyObject_CallMethod(glue_.get(), "begin", nullptr)) ||
      !show_stacks_on_abort() || !py::put_in_front(options_.app_dir)) {
    return fail_python();
  }
  auto loaded = load_app(options_, nullptr, log_);
  if (!loaded) {
    log_.error(loaded.error());
    return false;
  }
  app_ = loaded.take_value();
  warn_of_threads();
  const bool frozen =
      static_cast<bool>(py::Ref::steal(PyObject_CallMethod(glue_.get(), "freeze", nullptr)));
  return frozen || fail_python();
}

std::optional<Summons> Preloader::serve(sock::Channel& line) {
  line.say(sock::Word::ready);
  while (wait(line)) {
    sock::Message message{};
    const auto state = line.hear(message);
    if (state == sock::Channel::State::end) {
      break;
    }
    if (state == sock::Channel::State::silence || message.word != sock::Word::bear) {
      continue;
    }
    Summons summons{std::move(message.text), sock::Channel(std::move(message.descriptor))};
    if (fork_worker(summons.channel)) {
      line.close();
      return summons;
    }
  }
  return std::nullopt;
}

/// False when the application's own handler of a signal wants an end.
bool Preloader::wait(const sock::Channel& line) {
  pollfd polled{line.fd(), POLLIN, 0};
  {
    const py::GilRelease others_may_run;
    ::poll(&polled, 1, -1);
  }
  return PyErr_CheckSignals() == 0 || fail_python();
}

/// True in the worker. It is forked by a process that ends at once, so that it becomes a child of
/// the supervisor, the next process above that takes orphans. What it says first on its channel
/// makes it known there, and when it cannot be made, the channel ends.
bool Preloader::fork_worker(const sock::Channel& channel) {
  flush();
  PyOS_BeforeFork();
  const pid_t between = ::fork();
  if (between == 0) {
    if (const pid_t worker = ::fork(); worker != 0) {
      ::_exit(worker < 0 ? errno : 0);
    }
    channel.say(sock::Word::born, std::to_string(::getpid()));
    PyOS_AfterFork_Child();
    if (!py::Ref::steal(PyObject_CallMethod(glue_.get(), "become_worker", nullptr))) {
      fail_python();
    }
    return true;
  }
  int error = errno;
  PyOS_AfterFork_Parent();
  int status = 0;
  if (between > 0) {
    const bool reaped = ::waitpid(between, &status, 0) == between;
    error = reaped && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  }
  if (error != 0) {
    log_.error("A worker cannot be started: " + std::system_category().message(error) +
               ". Trying again.");
    log_.flush();
  }
  return false;
}

/// What is in a buffer would be written by each of the workers.
void Preloader::flush() {
  log_.flush();
  std::fflush(nullptr);
  if (!py::Ref::steal(PyObject_CallMethod(glue_.get(), "flush", nullptr))) {
    PyErr_Clear();
  }
}

void Preloader::warn_of_threads() {
  const py::Ref warning = py::Ref::steal(PyObject_CallMethod(glue_.get(), "threads", nullptr));
  if (!warning) {
    PyErr_Clear();
  } else if (PyObject_IsTrue(warning.get()) == 1) {
    log_.warning(py::to_string(warning.get()));
  }
}

bool Preloader::fail_python() {
  const py::Ref exception = py::fetch_exception();
  log_.error(exception ? py::format_exception(exception.get())
                       : std::string("The template process cannot be set up."));
  return false;
}

}  // namespace ringhorn::worker
