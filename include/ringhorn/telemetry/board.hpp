/// Board is memory that the supervisor and its workers share: one entry per worker, written by that
/// worker alone and read by all, without a lock and without a system call. Made before
/// the first fork; a worker that is a program of its own maps it again by its descriptor. A full
/// disk cannot touch it (robustness 80): it is no file.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/result.hpp>
#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::telemetry {

/// What the thread of a worker's loop is at; the last that was noted, when it stands still.
enum class LoopPhase : std::uint8_t {
  unknown,    ///< nobody notes it: the worker starts, or has a loop of somebody else's
  turning,    ///< callbacks run, the application's and ours
  waiting,    ///< for something to happen
  taking_gil  ///< something has happened, and another thread holds the GIL
};

/// A cache line of its own, so that workers do not slow each other down.
struct alignas(64) BoardEntry {
  /// When the worker's loop last turned: base::monotonic_ns(), which is the same in all processes.
  std::atomic<base::Nanoseconds> heartbeat_ns;
  /// Responses completed so far.
  std::atomic<std::uint64_t> finished_count;
  std::atomic<LoopPhase> phase;
  /// Connections that are open, plus 1, while the worker accepts new ones; 0 when it does not.
  std::atomic<std::uint32_t> accepting_with;
};
static_assert(std::atomic<base::Nanoseconds>::is_always_lock_free);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<LoopPhase>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

class Board {
 public:
  /// More workers than this never live at the same time. Pages that nobody touches cost nothing.
  static constexpr std::size_t entry_count = 1024;

  Board() = default;
  Board(Board&& other) noexcept;
  Board& operator=(Board&& other) noexcept;
  /// Unmaps; others keep theirs.
  ~Board();

  /// A new one, all zero. On failure a sentence.
  static base::Result<Board, std::string> make();
  /// The one that `fd` holds, which is taken over. On failure a sentence.
  static base::Result<Board, std::string> adopt(base::UniqueFd fd);

  /// REQUIRES: made or adopted; `index` < entry_count
  BoardEntry& entry(std::size_t index) noexcept;
  /// The supervisor gives an entry to a new worker, and takes a dead one's back. REQUIRES: as above
  void give(std::size_t index) noexcept;
  void take_back(std::size_t index) noexcept;
  /// How many connections that worker has which accepts with the fewest, `mine` left out; nothing
  /// when nobody else accepts. Takes time for each entry that was ever given.
  std::optional<std::uint32_t> fewest_connections(const BoardEntry& mine) const noexcept;
  /// For a worker that is a program of its own; close-on-exec.
  int fd() const noexcept { return fd_.value(); }

 private:
  struct Memory;

  base::UniqueFd fd_;
  Memory* memory_ = nullptr;
};

}  // namespace ringhorn::telemetry
