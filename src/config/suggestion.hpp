/// Which known name a misspelt one was meant to be. Called when an option or variable is refused;
/// works on names without dashes in front and RINGHORN_ before it.
#pragma once

#include <cstddef>
#include <string_view>

namespace ringhorn::config {

/// How many letters must be added, dropped, changed, or swapped with their neighbour to get from
/// one to the other (optimal string alignment).
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The nearest option name, negative names and not yet built options included; empty when none is
/// near enough to be meant.
std::string_view nearest_option(std::string_view name);

}  // namespace ringhorn::config
