/// FairShare keeps a worker that accepts from the same sockets as others from taking far more
/// connections than they: all are told of a newcomer, and who is served first by the scheduler
/// would otherwise take a whole burst, and keep it as long as the connections are kept. One per
/// server, on its thread.
///
/// It asks for patience, never for good: who has fewer may be unable to come, so after a row of
/// yields that nobody used everybody is taken for a while.
#pragma once

#include <cstddef>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/net/server.hpp>

namespace ringhorn::net {

class FairShare {
 public:
  /// How long a newcomer is left to the others before it is looked for again.
  static constexpr base::Nanoseconds yield_ns = base::ns_per_ms;
  /// So many yields in a row are given …
  static constexpr unsigned yields_max = 10;
  /// … and then none for so long, or until somebody who has fewer has come after all.
  static constexpr base::Nanoseconds rest_ns = base::ns_per_s;

  explicit FairShare(const Peers& peers) noexcept : peers_(peers) {}

  /// Accepts from now on, with so many connections.
  void join(std::size_t connections) noexcept;
  /// Has so many connections now.
  void note(std::size_t connections) noexcept;
  /// Accepts no more.
  void leave() noexcept;

  /// Whether a newcomer is left to somebody who has fewer than `connections`.
  bool yields(std::size_t connections, base::Nanoseconds now_ns) noexcept;

 private:
  Peers peers_;
  bool joined_ = false;
  unsigned yields_ = 0;
  std::size_t fewest_ = 0;  ///< what the others had at the last yield
  base::Nanoseconds rested_ns_ = 0;
};

}  // namespace ringhorn::net
