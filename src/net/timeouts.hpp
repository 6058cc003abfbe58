/// Timeouts hold the deadlines of all connections. Every kind has one duration, so its members
/// stand in one list in the order of their deadlines: arming is a push to the back, and only the
/// fronts are ever looked at. ServerState owns the one Timeouts; a Connection embeds its Timeout
/// nodes. Nothing here reads a clock or arms a timer: the owner passes the time in and asks for the
/// next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/intrusive_list.hpp>

namespace ringhorn::net {

enum class TimeoutKind : std::uint8_t {
  keep_alive,    ///< idle between requests
  header,        ///< a head that has begun, or a new connection without a byte; absolute
  body,          ///< the application waits for body bytes and none come
  write,         ///< output is pending and none of it leaves; a part of it (StallWatch)
  linger,        ///< reading and discarding after a refusal; absolute
  drain,         ///< swallowing the body that an early response left unread; absolute
  first_bytes,   ///< a connection that never spoke while the server drains; a last look
  parting,       ///< an idle connection while the server drains
  ws_handshake,  ///< the application has not answered a WebSocket's handshake
  ws_ping,       ///< until the next ping of ours
  ws_pong,       ///< a ping of ours was not answered
  ws_close,      ///< a Close of ours was not answered
};
inline constexpr std::size_t timeout_kind_count = 12;

/// Told when a deadline has passed. The node is no longer armed then.
class TimeoutOwner {
 public:
  virtual void on_timeout(TimeoutKind kind) = 0;

 protected:
  ~TimeoutOwner() = default;
};

/// One deadline of its owner's, armed or not: a node of the list of its kind. Leaves it by itself
/// when it is destroyed.
struct TimeoutTag;
class Timeout : public base::ListNode<TimeoutTag> {
 public:
  explicit Timeout(TimeoutOwner& owner) noexcept : owner_(&owner) {}

  /// Whether it is in a list at all.
  bool armed() const noexcept { return linked(); }
  /// Whether it is armed for just this.
  bool armed_for(TimeoutKind kind) const noexcept { return linked() && kind_ == kind; }
  /// O(1); nothing happens when it is not armed.
  void disarm() noexcept { unlink(); }

 private:
  friend class Timeouts;
  TimeoutOwner* owner_;
  base::Nanoseconds deadline_ns_ = 0;
  TimeoutKind kind_ = TimeoutKind::keep_alive;
};

class Timeouts {
 public:
  static constexpr base::Nanoseconds never = INT64_MAX;
  using Durations = std::array<base::Nanoseconds, timeout_kind_count>;

  /// `durations` by kind; 0 means that the kind never expires.
  explicit Timeouts(const Durations& durations) noexcept : durations_(durations) {}

  /// Arms `timeout`, or moves it, and returns its deadline; `never` when the kind has no limit (it
  /// is not armed then).
  base::Nanoseconds arm(Timeout& timeout, TimeoutKind kind, base::Nanoseconds now_ns) noexcept;
  /// What is armed from now on. REQUIRES: nothing of this kind is armed
  void set_duration(TimeoutKind kind, base::Nanoseconds duration_ns) noexcept {
    const auto index = static_cast<std::size_t>(kind);
    RINGHORN_ASSERT(lists_[index].empty());
    durations_[index] = duration_ns;
  }
  /// The earliest deadline of all; `never` when nothing is armed.
  base::Nanoseconds next_deadline_ns() noexcept;
  /// Tells the owners whose deadline is not after `now_ns`. They may arm and disarm any timeout.
  void expire(base::Nanoseconds now_ns);

 private:
  using List = base::IntrusiveList<Timeout, TimeoutTag>;

  Durations durations_;
  std::array<List, timeout_kind_count> lists_;
};

}  // namespace ringhorn::net
