/// LogStream carries whole lines to one descriptor and never lets that descriptor hold up or end
/// the process: it does not wait, raises no SIGPIPE, and leaves the flags of the descriptor alone,
/// which the user may share with other programs. Log owns one or two; one thread.
///
/// Theory of operation. Records are gathered and leave at flush(). While the reader sleeps they
/// stay, up to bytes_max; then the stream starts to drop, and goes on dropping until all that was
/// gathered has left, so that the one line which tells the count stands where the gap is. When the
/// descriptor fails (EPIPE, ENOSPC …) what is gathered is dropped; the count is told behind the
/// first lines that get through again.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>

namespace ringhorn::telemetry {

/// How a descriptor is written without waiting. Found out by trying, from the first to the last.
enum class Way : std::uint8_t {
  silent,   ///< RWF_NOWAIT and RWF_NOSIGNAL: one system call (Linux 6.18)
  guarded,  ///< RWF_NOWAIT with SIGPIPE blocked meanwhile (pipes: Linux 6.4)
  polled,   ///< poll, then a piece that fits a pipe that has room; terminals
  file,     ///< a regular file: does not wait and raises no SIGPIPE
  closed,   ///< was not open at the start: its number may be anybody's by now; never written
};

class LogStream {
 public:
  static constexpr std::size_t bytes_max = std::size_t{1} << 20;
  /// Gathered bytes at which the stream does not wait for flush().
  static constexpr std::size_t flush_bytes = std::size_t{64} << 10;

  /// `fd` is borrowed; looked at once, here.
  explicit LogStream(int fd);
  /// For tests of one way.
  LogStream(int fd, Way way) noexcept : fd_(fd), way_(way) {}
  LogStream(const LogStream&) = delete;
  LogStream& operator=(const LogStream&) = delete;
  /// Writes what is gathered; waits for a sleeping reader half a second at most.
  ~LogStream();

  /// Room for a record of at most `count` bytes, to be ended by end_record; null when the record is
  /// dropped.
  char* begin_record(std::size_t count) {
    if (dropping_ || (gathered_.size() + count > bytes_max && !gathered_.empty())) [[unlikely]] {
      drop_record();
      return nullptr;
    }
    return gathered_.prepare(count);
  }
  /// The record ends before `end`, with a new line.
  void end_record(const char* end);
  /// Writes what the descriptor takes now.
  void flush() noexcept;
  /// Lines that could not be written; a record that found no room counts as one.
  std::uint64_t dropped_count() const noexcept { return dropped_count_; }

 private:
  enum class Outcome : std::uint8_t { emptied, blocked, failed };

  void drop_record() noexcept;
  Outcome drain() noexcept;
  Outcome end_torn_line() noexcept;
  Outcome outcome_of(ssize_t count) noexcept;
  void discard() noexcept;
  void tell_loss() noexcept;
  void wait_for_reader() noexcept;

  base::ByteBuffer gathered_;
  int fd_;
  Way way_;
  bool blocked_ = false;      ///< the last write took less than all
  bool dropping_ = false;     ///< begin_record refuses until gathered_ has left
  bool inside_line_ = false;  ///< what was written last ended inside a line
  bool torn_ = false;         ///< the rest of that line was dropped
  std::uint64_t dropped_count_ = 0;
  std::uint64_t untold_count_ = 0;  ///< dropped since the last line that told the count
};

}  // namespace ringhorn::telemetry
