#include <ringhorn/telemetry/log.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include <ringhorn/base/assert.hpp>

#include "status_text.hpp"

namespace ringhorn::telemetry {

namespace {

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view plain = "\x1b[0m";
/// More than the fixed parts of an access line take, colours and longest phrase included.
constexpr std::size_t access_fixed_bytes_max = 160;

struct LevelStyle {
  std::string_view name;
  std::string_view color;
};

/// By level.
constexpr std::array<LevelStyle, 6> level_styles = {{
    {"TRACE", "\x1b[34m"},
    {"DEBUG", "\x1b[36m"},
    {"INFO", "\x1b[32m"},
    {"WARNING", "\x1b[33m"},
    {"ERROR", "\x1b[31m"},
    {"CRITICAL", "\x1b[91m"},
}};

bool is_same_file(int left, int right) {
  struct stat a;
  struct stat b;
  return left == right || (::fstat(left, &a) == 0 && ::fstat(right, &b) == 0 &&
                           a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

char* put(char* out, std::string_view text) {
  // An empty view may point nowhere, which memcpy does not allow.
  return std::copy(text.begin(), text.end(), out);
}

}  // namespace

Log::Log(Level level, Colors colors, int error_fd, int access_fd)
    : level_(level),
      paint_(paint_for(colors, error_fd)),
      access_paint_(paint_for(colors, access_fd)),
      access_prefix_(prefix_of(Level::info, access_paint_)),
      error_stream_(error_fd) {
  for (std::size_t i = 0; i < prefixes_.size(); ++i) {
    prefixes_[i] = prefix_of(static_cast<Level>(i), paint_);
  }
  if (!is_same_file(error_fd, access_fd)) {
    own_access_stream_.emplace(access_fd);
  }
}

/// `INFO:     `: the text starts in column 10, whatever the name.
std::string Log::prefix_of(Level level, Paint paint) {
  const LevelStyle& style = level_styles[static_cast<std::size_t>(level)];
  constexpr std::size_t width = 9;
  RINGHORN_ASSERT(style.name.size() < width);
  std::string prefix;
  if (paint == Paint::colored) {
    prefix.append(style.color).append(style.name).append(plain);
  } else {
    prefix.append(style.name);
  }
  return prefix.append(1, ':').append(width - style.name.size(), ' ');
}

Log::Paint Log::paint_for(Colors colors, int fd) {
  const bool colored =
      colors == Colors::always || (colors == Colors::automatic && ::isatty(fd) == 1);
  return colored ? Paint::colored : Paint::plain;
}

void Log::write(Level level, std::string_view text) {
  if (!enabled(level)) {
    return;
  }
  const std::string& prefix = prefixes_[static_cast<std::size_t>(level)];
  char* out = error_stream_.begin_record(prefix.size() + text.size() + 1);
  if (out != nullptr) {
    out = put(put(out, prefix), text);
    if (text.empty() || text.back() != '\n') {
      *out++ = '\n';
    }
    error_stream_.end_record(out);
  }
  // Access lines that came before this one are shown before it, also on two terminals or pipes that
  // end in the same place.
  flush();
}

void Log::access(const AccessRecord& record) {
  if (!enabled(Level::info)) {
    return;
  }
  const std::size_t text_bytes = record.client.size() + record.method.size() +
                                 record.target.size() + record.http_version.size();
  LogStream& stream = access_stream();
  char* out = stream.begin_record(access_fixed_bytes_max + escaped_bytes_max * text_bytes);
  if (out == nullptr) {
    return;
  }
  const bool colored = access_paint_ == Paint::colored;
  out = put(out, access_prefix_);
  out = escape_to(out, record.client);
  out = put(out, " - \"");
  out = put(out, colored ? bold : std::string_view());
  out = escape_to(out, record.method);
  *out++ = ' ';
  out = escape_to(out, record.target);
  out = put(out, " HTTP/");
  out = escape_to(out, record.http_version);
  out = put(out, colored ? plain : std::string_view());
  out = put(out, "\" ");
  out = put_status(out, record.status, access_paint_);
  *out++ = '\n';
  stream.end_record(out);
}

char* Log::put_status(char* out, int status, Paint paint) {
  const std::string_view color = paint == Paint::colored ? color_of(status) : std::string_view();
  out = put(out, color);
  out = std::to_chars(out, out + 12, status).ptr;
  *out++ = ' ';
  out = put(out, phrase_of(status));
  return color.empty() ? out : put(out, plain);
}

void Log::flush() noexcept {
  if (own_access_stream_) {
    own_access_stream_->flush();
  }
  error_stream_.flush();
}

std::uint64_t Log::dropped_count() const noexcept {
  return error_stream_.dropped_count() +
         (own_access_stream_ ? own_access_stream_->dropped_count() : 0);
}

}  // namespace ringhorn::telemetry
