/// Reads the small files in which Linux tells numbers about processes and itself (/proc, /sys):
/// whole, by one read, as they are when they are asked. Nothing is kept.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace ringhorn::base {

/// The first bytes of the file, up to the size of `bytes`, which keeps them; empty when it cannot
/// be read. REQUIRES: `path` ends with a zero byte
std::string_view read_small_file(const char* path, std::array<char, 512>& bytes) noexcept;

}  // namespace ringhorn::base
