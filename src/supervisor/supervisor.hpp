/// Supervisor is the one loop of the parent process: take signals, hear the workers and the files
/// that are watched, reap, look after them, carry out what the Fleet orders, wait. One thread;
/// everything that it decides is decided by the Fleet, everything that it does is here.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/supervisor/supervisor.hpp>

#include "change_watch.hpp"
#include "fleet.hpp"
#include "signal_watch.hpp"
#include "succession.hpp"
#include "templates.hpp"

namespace ringhorn::supervisor {

inline constexpr int exit_startup_failed = 3;

class Supervisor {
 public:
  /// Everything must outlive the supervisor.
  Supervisor(const config::Options& options, telemetry::Log& log, const Surroundings& surroundings);

  /// The exit status.
  int run();

 private:
  /// How far the end has come.
  enum class Ending : std::uint8_t {
    none,
    announced,  ///< load balancers and clients are told; everything is still served
    begun,      ///< nobody new is let in, the workers drain
    hurried,    ///< … and cancel what they have
  };

  /// The supervisor's end of a worker.
  struct Child {
    pid_t pid;
    std::size_t entry;
    sock::Channel channel;
  };

  /// The supervisor's end of a template.
  struct Source {
    pid_t pid;
    sock::Channel channel;
  };

  /// A worker that a template was asked for. Its channel says who it is, or ends when there will be
  /// nobody.
  struct Birth {
    Order order;
    std::size_t entry;
    sock::Channel channel;
    pid_t source;
    base::Nanoseconds deadline_ns;
  };

  bool deserted() const noexcept;
  bool open();
  bool open_sockets();
  bool open_changes();

  // --- take signals (commands.cpp) --------------------------------------------------------------
  void take_signals();
  void act_on(int number);
  void stop(int number);
  void quit();
  void reload(const std::string& why);
  /// The workers shall be of a new generation.
  void renew();
  void grow();
  void shrink();
  void retire_all();

  // --- workers that are forked from a template (preload.cpp) ------------------------------------
  void carry_out(const TemplateOrder& order);
  void start_template();
  void ask_for(const Order& order, std::size_t entry, sock::Channel ours,
               const sock::Channel& theirs);
  void hear_templates();
  void on_template_ready(pid_t pid);
  void hear_birth();
  void bury_template(const TemplateDeparture& departure, int status);
  Births births() const noexcept;
  Templates::Generations generations() const noexcept;

  // --- two programs on the same sockets (two_programs.cpp) --------------------------------------
  void upgrade();
  bool take_over_sockets();
  /// Another program serves what we serve: what we leave is its to take.
  bool shares_sockets() const noexcept { return predecessor_ || successor_; }
  void hear_the_other();
  void bury_successor(int status);

  // --- the end ----------------------------------------------------------------------------------
  void announce(base::Nanoseconds until_ns);
  void begin_end();
  void hurry();
  void force(int number);
  void tell_all(sock::Word word);

  // --- hear, reap, look after -------------------------------------------------------------------
  void hear_workers();
  void hear(const Child& child, const sock::Message& message);
  void hear_changes();
  void on_first_ready();
  void reap();
  void bury(const Departure& departure, int status);
  /// Nothing can be served: the end begins, with the status that says so.
  void fail_start();
  /// The code of `generation` does not start; the old one stays. `goes_on`: another reload waits.
  void fail_reload(unsigned generation, bool goes_on);
  void look_after();
  void tell_reload();
  void tell_manager();
  void show_life();

  // --- carry out (orders.cpp) -------------------------------------------------------------------
  void carry_out_orders();
  void carry_out(const Order& order);
  void spawn(const Order& order);
  void adopt(const Order& order, pid_t pid, std::size_t entry, sock::Channel channel);
  /// Both in the forked child.
  void leave_to_child();
  [[noreturn]] void become(Assignment assignment);
  std::size_t free_entry() const;
  unsigned share_count() const;
  void resize(unsigned count);
  const Child* find(pid_t pid) const noexcept;
  telemetry::LoopPhase phase_of(pid_t pid);
  void say(pid_t pid, sock::Word word) const;

  void wait();
  base::Nanoseconds next_deadline_ns() const;
  base::Nanoseconds health_deadline_ns(const Member& member) const;

  const config::Options& options_;
  telemetry::Log& log_;
  const Surroundings& surroundings_;
  SignalWatch signals_;
  Fleet fleet_;
  telemetry::Board board_;
  Listeners listeners_;
  std::optional<ChangeWatch> changes_;  ///< with --reload
  std::optional<Predecessor> predecessor_;
  std::optional<Successor> successor_;
  std::vector<Child> children_;
  std::optional<Templates> templates_;  ///< with --preload
  std::vector<Source> sources_;
  std::optional<Birth> birth_;
  std::vector<pollfd> polled_;
  base::Nanoseconds now_ns_ = 0;
  base::Nanoseconds announced_until_ns_ = Fleet::never;
  /// Silence before this is not held against a worker: we did not run ourselves.
  base::Nanoseconds awake_since_ns_ = 0;
  Ending ending_ = Ending::none;
  /// When the service manager is to hear next that we live: never before it heard that we serve.
  base::Nanoseconds alive_ns_ = Fleet::never;
  bool reloading_ = false;
  int status_ = 0;
};

}  // namespace ringhorn::supervisor
