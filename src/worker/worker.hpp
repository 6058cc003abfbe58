/// Worker is one worker's life in paragraphs: start (start.cpp), serve (serve.cpp), drain and end
/// (drain.cpp). run() in worker.cpp reads top-down. One thread, with the GIL throughout; every
/// member is made by the paragraph that needs it and released in the order of dependence.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <ringhorn/asgi/application.hpp>
#include <ringhorn/asgi/lifespan.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/loop/event_loop.hpp>
#include <ringhorn/net/server.hpp>
#include <ringhorn/worker/worker.hpp>

#include "signals.hpp"
#include "supervisor_link.hpp"
#include "wear.hpp"

namespace ringhorn::worker {

/// How long tasks that were cancelled may take to end, when they were told to be gone already.
inline constexpr double cancel_seconds = 2;

/// A timer that calls a function.
class Alarm final : public io::Timer {
 public:
  explicit Alarm(std::function<void()> ring) : ring_(std::move(ring)) {}

 private:
  void on_expired() override { ring_(); }
  std::function<void()> ring_;
};

/// Access lines leave once per turn of the loop.
class LogFlush final : public io::FlushHook {
 public:
  explicit LogFlush(telemetry::Log& log) : log_(log) {}
  void on_flush() override { log_.flush(); }

 private:
  telemetry::Log& log_;
};

class Worker {
 public:
  /// Everything must outlive the worker.
  Worker(const config::Options& options, telemetry::Log& log, const Surroundings& surroundings)
      : options_(options), log_(log), surroundings_(surroundings), log_flush_(log) {}
  ~Worker() { release(); }

  /// From the first to the last paragraph.
  Outcome run();

 private:
  void check();

  // --- start: false when there is nothing to serve; outcome_ and the log say why ----------------
  bool make_loop();
  bool load();
  bool start_up();
  bool listen();
  bool fail_start(std::string_view reason);
  /// With the text of the exception that is set.
  bool fail_python();

  // --- serve ------------------------------------------------------------------------------------
  void serve();
  /// A signal asks to stop: alone the loop is left, under a supervisor it is asked for leave.
  void on_stop_signal();
  void make_link();
  void on_word(sock::Word word);
  void on_lost();
  /// The loop has shown that it turns: says when it has done so for long enough.
  void on_beat();
  /// The loop is left, and the worker drains.
  void begin_drain(const net::Drain& drain);
  void tell_manager();
  void show_life();
  void say_ready();

  // --- drain and end ----------------------------------------------------------------------------
  void announce();
  void drain();
  void stop_when_quiet();
  /// The time for what never ends by itself is over.
  void tell_of_connections();
  void end_streams();
  /// The time for a graceful end is over: what was cancelled has until cut_all() to end.
  void cancel_left();
  void cut_all();
  void hurry();
  /// How long the end may take, and when of it the tasks are cancelled; empty: no limit.
  std::optional<double> grace() const;
  double seconds_to_cancel(double grace) const;
  /// What the application's shutdown may take; empty: no limit.
  std::optional<double> seconds_to_shut_down() const;
  void shut_down();
  void tell_lifespan(std::string_view text);
  /// Takes down whatever is there; nothing is left after it.
  void release();
  void print_live_counts();

  // --- what the paragraphs share ----------------------------------------------------------------
  /// Runs the loop until `coroutine` has ended: its result, or empty after an error was dealt with.
  py::Ref await(py::Ref coroutine);
  void run_loop();
  bool forgive_exit();
  void end_if_forked() const;
  void stop_loop();
  /// What came out of the loop: a signal's interrupt, or one that the application raised.
  void take_interrupt();

  const config::Options& options_;
  telemetry::Log& log_;
  const Surroundings& surroundings_;
  LogFlush log_flush_;
  Outcome outcome_{exit_stopped, false};
  bool draining_ = false;
  base::Nanoseconds drained_ns_ = 0;  ///< since when
  bool hurried_ = false;
  bool shared_ = false;      ///< another program serves the sockets too
  bool stop_asked_ = false;  ///< of the loop that runs
  bool told_ = false;        ///< to drain, before draining began
  net::Drain drain_;         ///< … and how
  std::unique_ptr<io::Driver> driver_;
  Alarm wait_is_long_{[this] { tell_of_connections(); }};
  Alarm streams_{[this] { end_streams(); }};
  Alarm cancel_{[this] { cancel_left(); }};
  Alarm cut_{[this] { cut_all(); }};
  std::unique_ptr<loop::EventLoop> loop_;
  Signals signals_;
  py::Ref glue_;  ///< the module of finish.py
  py::Ref root_;  ///< the task that stands for the server; asyncio knows it only weakly
  py::Ref app_;
  std::unique_ptr<asgi::Lifespan> lifespan_;
  std::unique_ptr<asgi::Application> application_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<SupervisorLink> link_;    ///< none when the worker is alone
  std::optional<Wear> wear_;                ///< of a worker that is to be recycled
  std::unique_ptr<Alarm> watchdog_;         ///< of the service manager; null when it has none
  std::vector<sock::Listening> listeners_;  ///< their descriptors are the server's
};

}  // namespace ringhorn::worker
