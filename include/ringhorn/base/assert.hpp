/// Assertions that stay on in every build. A failed one is a bug of ours, never of a peer or an
/// application: it prints its place and aborts the process.
#pragma once

namespace ringhorn::base {

/// Prints `file:line: condition` to stderr and aborts.
[[noreturn, gnu::cold]] void assertion_failed(const char* condition, const char* file,
                                              int line) noexcept;

}  // namespace ringhorn::base

#define RINGHORN_ASSERT(condition)                                              \
  (static_cast<bool>(condition)                                                 \
       ? static_cast<void>(0)                                                   \
       : ::ringhorn::base::assertion_failed(#condition, __FILE__, __LINE__))
