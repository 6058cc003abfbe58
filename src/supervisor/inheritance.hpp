/// Inheritance is how descriptors go on to a program that is executed: as numbers in a text, which
/// an environment variable carries. Used by Assignment and Succession, on either side of exec.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/supervisor/listeners.hpp>

namespace ringhorn::supervisor {

/// Appends a number, behind a space when it is not the first.
void put(std::string& text, long number);
/// … of a descriptor that is made inheritable. REQUIRES: the next that happens is exec
void put_fd(std::string& text, int fd);
/// … of each socket, with who else holds it and which of several it is: three numbers.
void put_listeners(std::string& text, const Listeners& listeners);

/// The numbers of a list on single spaces; empty when one of them is none.
std::vector<int> numbers_in(std::string_view text);
/// A descriptor that was inherited, close-on-exec again.
base::UniqueFd inherited(int fd);
inline constexpr std::size_t numbers_per_listener = 3;
/// What put_listeners() wrote; empty when it is none, or one of them is no socket that listens.
Listeners take_listeners(std::span<const int> numbers);

}  // namespace ringhorn::supervisor
