/// Log writes the server's own lines: `INFO:     text` to stderr and access lines to stdout, in
/// uvicorn's form. Lines are gathered and leave in one write per flush(), so that a line costs no
/// system call of its own; warnings and above leave at once. Bytes of peers are escaped by escape().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>

namespace ringhorn::telemetry {

enum class Level : std::uint8_t { trace, debug, info, warning, error, critical };

/// Colours: as `--use-colors`, `--no-use-colors`, or whether the stream is a terminal.
enum class Colors : std::uint8_t { automatic, always, never };

/// What an access line tells. Views are read during the call only.
struct AccessRecord {
  std::string_view client;        ///< `host:port`; empty on a Unix socket
  std::string_view method;
  std::string_view target;        ///< path and query as sent
  std::string_view http_version;  ///< `1.1`
  int status;
};

class Log {
 public:
  /// `error_fd` and `access_fd` are borrowed (2 and 1; pipes in tests).
  Log(Level level, Colors colors, int error_fd, int access_fd);
  ~Log();

  bool enabled(Level level) const noexcept { return level >= level_; }
  /// One record; a text of several lines (a traceback) stays one record.
  void write(Level level, std::string_view text);
  void debug(std::string_view text) { write(Level::debug, text); }
  void info(std::string_view text) { write(Level::info, text); }
  void warning(std::string_view text) { write(Level::warning, text); }
  void error(std::string_view text) { write(Level::error, text); }

  /// `INFO:     127.0.0.1:1234 - "GET /a?b HTTP/1.1" 200 OK`, when info is enabled.
  void access(const AccessRecord& record);

  /// Writes what is gathered. Never fails the caller: what a broken or full stream does not take is
  /// dropped and counted.
  void flush() noexcept;
  /// Lines that could not be written.
  std::uint64_t dropped_count() const noexcept { return dropped_count_; }
  /// Whether level names are coloured on stderr (the banner emboldens its address then).
  bool colored() const noexcept { return error_colored_; }

 private:
  Level level_;
  bool error_colored_ = false;
  bool access_colored_ = false;
  int error_fd_;
  int access_fd_;
  base::ByteBuffer error_out_;
  base::ByteBuffer access_out_;
  std::uint64_t dropped_count_ = 0;
};

/// Appends `text` with CR, LF, ESC, other controls, `"`, `\` and bytes from 0x7F on as `\xNN`.
void escape(std::string_view text, base::ByteBuffer& out);
/// The same as a string.
std::string escaped(std::string_view text);

}  // namespace ringhorn::telemetry
