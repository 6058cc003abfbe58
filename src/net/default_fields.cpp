#include "default_fields.hpp"

#include <cstring>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/http/response_writer.hpp>
#include <ringhorn/net/server.hpp>

namespace ringhorn::net {

namespace {

constexpr std::string_view date_name = "date: ";
constexpr std::size_t date_bytes = 29;

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// Whether one of the field lines has this name (lower case).
bool names(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    bool equal = line.size() > name.size() && line[name.size()] == ':';
    for (std::size_t i = 0; equal && i < name.size(); ++i) {
      equal = lower(line[i]) == name[i];
    }
    if (equal) {
      return true;
    }
    lines.remove_prefix(line.size() == lines.size() ? line.size() : line.size() + 1);
  }
  return false;
}

}  // namespace

DefaultFields::DefaultFields(const Settings& settings) {
  if (settings.date_header && !names(settings.extra_fields, "date")) {
    block_.append(date_name).append(date_bytes, ' ').append("\r\n");
    date_ = {0, block_.size()};
  }
  if (!settings.server_header.empty() && !names(settings.extra_fields, "server")) {
    server_.offset = block_.size();
    block_.append("server: ").append(settings.server_header).append("\r\n");
    server_.size = block_.size() - server_.offset;
  }
  block_.append(settings.extra_fields);
}

std::string_view DefaultFields::view(base::Nanoseconds now_ns) noexcept {
  if (now_ns >= next_refresh_ns_) {
    next_refresh_ns_ = now_ns + refresh_ns;
    if (date_.size > 0) {
      http::write_date(block_.data() + date_name.size(), base::wall_seconds());
    }
  }
  return block_;
}

void drop_line(base::ByteBuffer& head, std::size_t block_offset, LineRange line) noexcept {
  const std::span<char> bytes = head.bytes();
  const std::size_t begin = block_offset + line.offset;
  RINGHORN_ASSERT(begin + line.size <= bytes.size());
  std::memmove(bytes.data() + begin, bytes.data() + begin + line.size,
               bytes.size() - begin - line.size);
  head.truncate(bytes.size() - line.size);
}

}  // namespace ringhorn::net
