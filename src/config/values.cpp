#include "values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::config {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return result;
}

/// The place of `text` among `words`, in any case; empty when it is none of them.
template <std::size_t n>
std::optional<std::size_t> place_of(std::string_view text,
                                    const std::array<std::string_view, n>& words) {
  const auto found = std::find(words.begin(), words.end(), lower(text));
  if (found == words.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - words.begin());
}

/// `module:attribute`
bool is_import_string(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && colon != 0 && colon + 1 != text.size() &&
         text.find('/') == std::string_view::npos;
}

/// RFC 9110 §5.6.2
bool is_token(std::string_view text) {
  constexpr std::string_view token_bytes =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !text.empty() && text.find_first_not_of(token_bytes) == std::string_view::npos;
}

/// RFC 9110 §5.5: visible bytes, spaces, tabs and bytes from 0x80 on.
bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::optional<std::uint64_t> read_integer(std::string_view text, std::uint64_t low,
                                          std::uint64_t high) {
  RINGHORN_ASSERT(low <= high);
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < low || value > high) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> read_seconds(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  // The comparison is written so that it refuses nan, which from_chars reads.
  if (error != std::errc() || stop != end || !(value >= 0 && value <= Options::seconds_max)) {
    return std::nullopt;
  }
  return value + 0.0;  // -0 becomes 0
}

std::optional<bool> read_boolean(std::string_view text) {
  constexpr std::array<std::string_view, 12> words = {"true",  "t", "yes", "y", "on",  "1",
                                                      "false", "f", "no",  "n", "off", "0"};
  const auto place = place_of(trimmed(text), words);
  if (!place) {
    return std::nullopt;
  }
  return *place < words.size() / 2;
}

bool read_app(std::string_view text, Options& options) {
  if (!is_import_string(text)) {
    return false;
  }
  options.app = text;
  return true;
}

bool read_loop(std::string_view text, Options& options) {
  constexpr std::array<std::string_view, 5> words = {"auto", "ringhorn", "asyncio", "uvloop",
                                                     "none"};
  const auto place = place_of(text, words);
  if (!place && !is_import_string(text)) {
    return false;
  }
  options.loop = place ? words[*place] : text;
  return true;
}

bool read_host(std::string_view text, Options& options) {
  if (text.empty() || text.find_first_of(" \t\r\n/") != std::string_view::npos) {
    return false;
  }
  options.host = text;
  return true;
}

bool read_lifespan(std::string_view text, Options& options) {
  constexpr std::array<std::string_view, 3> words = {"auto", "on", "off"};
  const auto place = place_of(text, words);
  if (place) {
    options.lifespan = static_cast<Lifespan>(*place);
  }
  return place.has_value();
}

bool read_balance(std::string_view text, Options& options) {
  constexpr std::array<std::string_view, 2> words = {"shared", "hash"};
  const auto place = place_of(text, words);
  if (place) {
    options.balance = static_cast<Balance>(*place);
  }
  return place.has_value();
}

bool read_io(std::string_view text, Options& options) {
  constexpr std::array<std::string_view, 3> words = {"auto", "uring", "epoll"};
  const auto place = place_of(text, words);
  if (place) {
    options.io = static_cast<Io>(*place);
  }
  return place.has_value();
}

bool read_web_sockets(std::string_view text, Options& options) {
  constexpr std::array<std::string_view, 2> words = {"auto", "none"};
  const auto place = place_of(text, words);
  if (place) {
    options.ws = static_cast<WebSockets>(*place);
  }
  return place.has_value();
}

bool read_log_level(std::string_view text, Options& options) {
  constexpr std::array<std::string_view, 6> words = {"critical", "error", "warning",
                                                     "info",     "debug", "trace"};
  const auto place = place_of(text, words);
  if (place) {
    options.log_level = static_cast<LogLevel>(*place);
  }
  return place.has_value();
}

bool read_health_path(std::string_view text, Options& options) {
  const bool right =
      text.starts_with('/') && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c > ' ' && c < 0x7f && c != '?' && c != '#';
      });
  if (right) {
    options.health_check_path = text;
  }
  return right;
}

bool read_workers(std::string_view text, Options& options) {
  constexpr std::uint64_t most = 500;
  const auto value = read_integer(text, 1, most);
  if (value) {
    options.workers = static_cast<std::uint32_t>(*value);
  }
  return value.has_value();
}

bool read_header(std::string_view text, Options& options) {
  // A fixed length or connection option would contradict the framing of every single response.
  constexpr std::array<std::string_view, 3> framing = {"connection", "content-length",
                                                       "transfer-encoding"};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return false;
  }
  const std::string_view name = text.substr(0, colon);
  const std::string_view value = trimmed(text.substr(colon + 1));
  if (!is_token(name) || !is_field_value(value) || place_of(name, framing)) {
    return false;
  }
  options.headers.emplace_back(lower(name), value);
  return true;
}

}  // namespace ringhorn::config
