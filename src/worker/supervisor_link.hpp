/// SupervisorLink is a worker's line to its supervisor: hears what it is told, says what it has to
/// say, and shows a sign of life that only a loop that turns can give. One per worker that has a
/// supervisor; on the worker's thread, out of Driver::dispatch().
#pragma once

#include <functional>
#include <string_view>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/io/poll.hpp>
#include <ringhorn/io/timer.hpp>
#include <ringhorn/worker/worker.hpp>

namespace ringhorn::worker {

class SupervisorLink final : private io::PollHandler, private io::Timer {
 public:
  struct Listener {
    std::function<void(sock::Word)> on_word;
    std::function<void()> on_beat;  ///< each time the loop has shown that it turns
    std::function<void()> on_lost;  ///< the supervisor is gone
  };

  /// `supervision` must outlive the link. REQUIRES: a heartbeat every `interval_ns` > 0
  SupervisorLink(io::Driver& driver, const Supervision& supervision, base::Nanoseconds interval_ns,
                 Listener listener);
  /// REQUIRES: closed()
  ~SupervisorLink();

  /// Begins to listen and to beat.
  void start();
  void say(sock::Word word, std::string_view text = {}) const;

  /// Ends, out of later dispatches.
  void close();
  bool closed() const noexcept { return !watching_; }

 private:
  void on_ready(short events) override;
  void on_poll_stopped() override;
  void on_expired() override;
  void beat();

  io::Driver& driver_;
  const Supervision& supervision_;
  base::Nanoseconds interval_ns_;
  Listener listener_;
  io::Poll poll_;
  bool watching_ = false;
  bool closing_ = false;
};

}  // namespace ringhorn::worker
