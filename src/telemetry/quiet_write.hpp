/// Writes to a descriptor that belongs to somebody else: without waiting, without SIGPIPE, without
/// touching its flags (O_NONBLOCK would be set for every program that shares the terminal). Called
/// by LogStream.
#pragma once

#include <sys/types.h>

#include <string_view>

#include <ringhorn/telemetry/log_stream.hpp>

namespace ringhorn::telemetry {

/// The best way to try first on `fd`.
Way way_for(int fd) noexcept;

/// As write(2), with EAGAIN where that would wait; may write less than all. Where the kernel does
/// not know `way`, the next one is taken and remembered.
ssize_t write_quietly(int fd, std::string_view bytes, Way& way) noexcept;

}  // namespace ringhorn::telemetry
