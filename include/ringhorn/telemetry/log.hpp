/// Log writes the server's own lines: `INFO:     text` to stderr and access lines to stdout, in
/// uvicorn's form. Access lines are gathered and leave in one write per flush(), so that a request
/// costs no system call of its own; all other lines leave at once, behind what is gathered. Bytes
/// of peers are escaped by escape(). One thread; it never waits for a reader and never fails its
/// caller (robustness 80): see LogStream.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ringhorn/telemetry/escape.hpp>
#include <ringhorn/telemetry/log_stream.hpp>

namespace ringhorn::telemetry {

enum class Level : std::uint8_t { trace, debug, info, warning, error, critical };

/// Colours: as `--use-colors`, `--no-use-colors`, or whether the stream is a terminal.
enum class Colors : std::uint8_t { automatic, always, never };

/// What an access line tells. Views are read during the call only.
struct AccessRecord {
  std::string_view client;  ///< `host:port`; empty on a Unix socket
  std::string_view method;
  std::string_view target;        ///< path and query as sent
  std::string_view http_version;  ///< `1.1`
  int status;
};

class Log {
 public:
  /// `error_fd` and `access_fd` are borrowed (2 and 1; pipes in tests). Where both lead to the same
  /// file, pipe or terminal, its lines keep their order.
  Log(Level level, Colors colors, int error_fd, int access_fd);

  bool enabled(Level level) const noexcept { return level >= level_; }
  /// One record; a text of several lines (a traceback) stays one record.
  void write(Level level, std::string_view text);
  void trace(std::string_view text) { write(Level::trace, text); }
  void debug(std::string_view text) { write(Level::debug, text); }
  void info(std::string_view text) { write(Level::info, text); }
  void warning(std::string_view text) { write(Level::warning, text); }
  void error(std::string_view text) { write(Level::error, text); }
  void critical(std::string_view text) { write(Level::critical, text); }

  /// `INFO:     127.0.0.1:1234 - "GET /a?b HTTP/1.1" 200 OK`, when info is enabled. One line for
  /// any bytes of a peer (robustness 81).
  void access(const AccessRecord& record);

  /// Writes what is gathered. Never fails the caller: what a broken or full stream does not take is
  /// dropped and counted.
  void flush() noexcept;
  /// Lines that could not be written.
  std::uint64_t dropped_count() const noexcept;
  /// Whether level names are coloured on stderr (the banner emboldens its address then).
  bool colored() const noexcept { return paint_ == Paint::colored; }

 private:
  enum class Paint : std::uint8_t { plain, colored };

  static std::string prefix_of(Level level, Paint paint);
  static Paint paint_for(Colors colors, int fd);
  static char* put_status(char* out, int status, Paint paint);
  LogStream& access_stream() noexcept {
    return own_access_stream_ ? *own_access_stream_ : error_stream_;
  }

  Level level_;
  Paint paint_;
  Paint access_paint_;
  std::array<std::string, 6> prefixes_;  ///< by level
  std::string access_prefix_;
  LogStream error_stream_;
  std::optional<LogStream> own_access_stream_;  ///< empty when stderr is the same file
};

}  // namespace ringhorn::telemetry
