/// Watches are a loop's add_reader() and add_writer(): one io::Poll per descriptor and direction,
/// started again before each wait while somebody cares (level-triggered), so that a callback that
/// removes itself costs no cancellation. The loop owns them and runs the callbacks; a Watch never
/// runs Python. Needs the GIL.
///
/// A Watch whose poll is in flight when it is removed leaves the table at once and dies when the
/// poll has ended: whatever comes to the same descriptor number meanwhile has a Watch of its own,
/// and never hears of the old file. The poll's end is asked for in the call that removes it,
/// because the poll keeps the file open: a listener closed right after would keep its port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/io/poll.hpp>

#include "handle.hpp"
#include "ready_queue.hpp"

namespace ringhorn::loop {

class Watches;

enum class Direction : std::uint8_t { read, write };

/// Those to be armed before the next wait, or those that are leaving: never both.
struct WatchTag;
class Watch final : public io::PollHandler, public base::ListNode<WatchTag> {
 public:
  Watch(Watches& watches, int fd, Direction direction) noexcept
      : watches_(watches), fd_(fd), direction_(direction) {}

  bool in_flight() const noexcept { return poll_ && poll_->in_flight(); }

 private:
  friend class Watches;
  void on_ready(short events) override;
  void on_poll_stopped() override;

  Watches& watches_;
  int fd_;
  Direction direction_;
  HandleObject* handle_ = nullptr;  ///< owned; null when leaving
  std::optional<io::Poll> poll_;
};

class Watches {
 public:
  /// Handles whose descriptor is ready go into `ready`.
  explicit Watches(ReadyQueue& ready) noexcept : ready_(ready) {}
  /// REQUIRES: nothing is in flight
  ~Watches();

  /// Has `handle` called whenever `fd` is ready; takes over the reference. What was called so far
  /// is cancelled. False with an exception set when that failed.
  bool add(int fd, Direction direction, HandleObject* handle);
  /// Cancels the handle. 1, or 0 when there was none; -1 with an exception set.
  int remove(int fd, Direction direction);
  bool has(int fd, Direction direction) const noexcept;

  /// Asks for the end of the polls that were removed. True when there were any: the driver has to
  /// submit that now.
  bool stop_removed();
  /// Starts what has to be started before a wait.
  void arm(io::Driver& driver);
  /// Ends every poll: they are armed again by the next run, on whatever driver that has. Handlers
  /// of the driver may run.
  void park(io::Driver& driver);
  /// Forgets all. The handles go; polls in flight end with a later dispatch.
  void clear();
  int traverse(visitproc visit, void* argument) const;

 private:
  friend class Watch;
  using Key = std::int64_t;
  static Key key(int fd, Direction direction) noexcept {
    return 2 * Key{fd} + static_cast<Key>(direction);
  }
  void retire(std::unique_ptr<Watch> watch);
  void forget(Watch& watch);
  static bool drop(HandleObject* handle);

  ReadyQueue& ready_;
  std::size_t in_flight_count_ = 0;
  std::unordered_map<Key, std::unique_ptr<Watch>> table_;
  base::IntrusiveList<Watch, WatchTag> to_arm_;
  /// Owned by these lists: they delete themselves when their poll has ended.
  base::IntrusiveList<Watch, WatchTag> to_stop_, leaving_;
};

}  // namespace ringhorn::loop
