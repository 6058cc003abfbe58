/// Feeds bytes to a sans-IO reader the way that a network does: whole, byte by byte, cut at every
/// place. Each time the unread bytes lie at a guard page, and at another address than before.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/guard_page.hpp"

namespace ringhorn::support {

/// Takes all unread bytes, acts on one event, and says how many bytes to drop and whether it wants
/// to be called again at once.
struct Fed {
  std::size_t consumed;
  bool again;
};
using Reader = std::function<Fed(std::span<char> unread)>;

/// Feeds `bytes` in the pieces that `cuts` (rising places within them) make.
inline void feed(std::string_view bytes, const std::vector<std::size_t>& cuts,
                 const Reader& reader) {
  GuardedBytes memory(bytes.size() + 1);
  std::string unread;
  std::size_t fed = 0;
  for (std::size_t piece = 0; piece <= cuts.size(); ++piece) {
    const std::size_t end = piece < cuts.size() ? cuts[piece] : bytes.size();
    unread.append(bytes.substr(fed, end - fed));
    fed = end;
    for (bool again = true; again;) {
      const std::span<char> given = memory.place(unread);
      const Fed step = reader(given);
      REQUIRE(step.consumed <= given.size());
      // What the reader changed in place must still be there when it looks again.
      unread.assign(given.data() + step.consumed, given.size() - step.consumed);
      again = step.again;
    }
  }
}

/// Calls `run(name, cuts)` for each way of cutting `size` bytes: not at all, everywhere, and once
/// at each place.
inline void for_each_cut(
    std::size_t size,
    const std::function<void(const std::string& name, const std::vector<std::size_t>& cuts)>& run) {
  run("whole", {});
  std::vector<std::size_t> everywhere;
  for (std::size_t at = 1; at < size; ++at) {
    everywhere.push_back(at);
  }
  run("byte by byte", everywhere);
  for (std::size_t at = 1; at < size; ++at) {
    run("cut at " + std::to_string(at), {at});
  }
}

}  // namespace ringhorn::support
