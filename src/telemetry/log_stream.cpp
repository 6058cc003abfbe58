#include <ringhorn/telemetry/log_stream.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/base/clock.hpp>

#include "quiet_write.hpp"

namespace ringhorn::telemetry {

namespace {

constexpr base::Nanoseconds farewell_ns_max = base::ns_per_s / 2;
/// What an idle stream keeps; a burst's memory is given back.
constexpr std::size_t kept_bytes_max = 2 * LogStream::flush_bytes;

std::uint64_t count_lines(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

LogStream::LogStream(int fd) : fd_(fd), way_(way_for(fd)) {}

LogStream::~LogStream() {
  flush();
  wait_for_reader();
  discard();
}

void LogStream::end_record(const char* end) {
  const char* begin = gathered_.prepare(0);
  RINGHORN_ASSERT(end > begin && end[-1] == '\n');
  gathered_.commit(static_cast<std::size_t>(end - begin));
  if (gathered_.size() >= flush_bytes && !blocked_) {
    flush();
  }
}

void LogStream::drop_record() noexcept {
  dropping_ = true;
  ++dropped_count_;
  ++untold_count_;
}

void LogStream::flush() noexcept {
  if (gathered_.empty()) {
    return;
  }
  switch (drain()) {
    case Outcome::emptied:
      if (untold_count_ > 0) {
        tell_loss();
      }
      break;
    case Outcome::blocked:
      break;
    case Outcome::failed:
      discard();
      break;
  }
  if (gathered_.empty() && gathered_.capacity() > kept_bytes_max) {
    gathered_.release();
  }
}

/// A line whose rest was dropped is ended first, so that the next one stands alone.
LogStream::Outcome LogStream::end_torn_line() noexcept {
  const ssize_t count = write_quietly(fd_, "\n", way_);
  torn_ = count <= 0;
  return outcome_of(count);
}

LogStream::Outcome LogStream::outcome_of(ssize_t count) noexcept {
  if (count > 0) {
    return Outcome::emptied;
  }
  blocked_ = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  return blocked_ ? Outcome::blocked : Outcome::failed;
}

LogStream::Outcome LogStream::drain() noexcept {
  blocked_ = false;
  if (torn_) [[unlikely]] {
    const Outcome outcome = end_torn_line();
    if (outcome != Outcome::emptied) {
      return outcome;
    }
  }
  while (!gathered_.empty()) {
    const std::string_view bytes = gathered_.view();
    const ssize_t count = write_quietly(fd_, bytes, way_);
    if (count <= 0) {
      return outcome_of(count);
    }
    inside_line_ = bytes[static_cast<std::size_t>(count) - 1] != '\n';
    gathered_.consume(static_cast<std::size_t>(count));
  }
  dropping_ = false;
  return Outcome::emptied;
}

void LogStream::discard() noexcept {
  const std::uint64_t count = count_lines(gathered_.view());
  dropped_count_ += count;
  untold_count_ += count;
  gathered_.clear();
  dropping_ = false;
  torn_ = torn_ || inside_line_;
  inside_line_ = false;
}

void LogStream::tell_loss() noexcept {
  const std::string line =
      "WARNING:  " + std::to_string(untold_count_) + " log lines were dropped: nobody took them\n";
  gathered_.append(line);
  if (drain() == Outcome::failed) {
    // The telling is not counted among the lost lines; it is tried again behind the next one.
    const std::uint64_t count = dropped_count_;
    const std::uint64_t untold = untold_count_;
    discard();
    dropped_count_ = count;
    untold_count_ = untold;
  } else {
    untold_count_ = 0;
  }
}

void LogStream::wait_for_reader() noexcept {
  const base::Nanoseconds deadline = base::monotonic_ns() + farewell_ns_max;
  while (!gathered_.empty()) {
    const base::Nanoseconds left = deadline - base::monotonic_ns();
    pollfd state{fd_, POLLOUT, 0};
    if (left <= 0 || ::poll(&state, 1, static_cast<int>(left / base::ns_per_ms) + 1) <= 0) {
      return;
    }
    flush();
  }
}

}  // namespace ringhorn::telemetry
