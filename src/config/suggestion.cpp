#include "suggestion.hpp"

#include <algorithm>
#include <vector>

#include "option_table.hpp"
#include "unavailable.hpp"

namespace ringhorn::config {

namespace {

/// Short names are near each other by chance: HOME is not a misspelt HOST.
std::size_t distance_max(std::string_view name) {
  return name.size() <= 5 ? 1 : 2;
}

/// Keeps the nearest of the names it is shown, the first one among equals.
struct Nearest {
  std::string_view wanted;
  std::size_t distance;
  std::string_view name;

  void consider(std::string_view candidate) {
    if (candidate.empty()) {
      return;
    }
    const std::size_t found = edit_distance(wanted, candidate);
    if (found < distance) {
      distance = found;
      name = candidate;
    }
  }
};

}  // namespace

std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> before(right.size() + 1);
  std::vector<std::size_t> above(right.size() + 1);
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) {
    above[j] = j;
  }
  for (std::size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t changed = above[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, changed});
      if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[right.size()];
}

std::string_view nearest_option(std::string_view name) {
  Nearest nearest{name, distance_max(name) + 1, {}};
  for (const OptionRow& row : option_table()) {
    nearest.consider(row.kind == Kind::positional ? "" : row.name);
    nearest.consider(row.negative);
  }
  for (const UnavailableRow& row : unavailable_table()) {
    if (row.name.back() != '*') {
      nearest.consider(row.name);
    }
  }
  return nearest.name;
}

}  // namespace ringhorn::config
