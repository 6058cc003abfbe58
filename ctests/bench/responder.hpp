/// What the two bare responders of the bench share: their options, the fixed response and the crude
/// finding of request ends. They answer any request with 200 and parse nothing else: they are a
/// yardstick, never a server.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

namespace bench {

struct Options {
  std::uint16_t port = 0;
  std::size_t body_bytes = 13;
  bool discard = false;  ///< read the request's body, answer with one of equal size
};

/// Reads `--port N --body BYTES --discard`; ends the program on anything else.
inline Options read_options(int argc, char** argv) {
  Options options;
  for (int at = 1; at < argc; ++at) {
    const std::string_view name = argv[at];
    if (name == "--discard") {
      options.discard = true;
    } else if (name == "--port" && at + 1 < argc) {
      options.port = static_cast<std::uint16_t>(std::strtoul(argv[++at], nullptr, 10));
    } else if (name == "--body" && at + 1 < argc) {
      options.body_bytes = std::strtoul(argv[++at], nullptr, 10);
    } else {
      std::fprintf(stderr, "usage: %s --port N [--body BYTES] [--discard]\n", argv[0]);
      std::exit(2);
    }
  }
  return options;
}

/// Head and body as the server would send them.
inline std::string make_response(std::size_t body_bytes) {
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  std::string body = body_bytes == 13 ? "Hello, world!" : std::string(body_bytes, 'x');
  return std::string("HTTP/1.1 200 OK\r\ndate: ") + date +
         "\r\nserver: ringhorn\r\ncontent-type: text/plain\r\ncontent-length: " +
         std::to_string(body_bytes) + "\r\n\r\n" + std::move(body);
}

/// Finds the ends of requests in a stream of bytes that may be cut anywhere.
class RequestCounter {
 public:
  /// Requests that end in `bytes`. Without `discard` every empty line ends one.
  unsigned feed(std::string_view bytes, bool discard) {
    unsigned ended = 0;
    while (!bytes.empty()) {
      if (body_left_ > 0) {
        const std::size_t taken = std::min(bytes.size(), body_left_);
        bytes.remove_prefix(taken);
        body_left_ -= taken;
        ended += body_left_ == 0 ? 1 : 0;
        continue;
      }
      if (chunked_) {
        ended += feed_chunked(bytes);
        continue;
      }
      if (feed_head(bytes, discard)) {
        ended += body_left_ == 0 && !chunked_ ? 1 : 0;
      }
    }
    return ended;
  }
  /// The size of the last request's body.
  std::size_t body_bytes() const { return body_bytes_; }

 private:
  /// Takes bytes up to the empty line; true when it was there.
  bool feed_head(std::string_view& bytes, bool discard) {
    std::size_t end = 0;
    if (matched_ == 0) {
      end = bytes.find("\r\n\r\n");
      end = end == std::string_view::npos ? end : end + 4;
    }
    if (matched_ > 0 || end == std::string_view::npos) {
      end = match_slowly(bytes);
    }
    const bool found = end != std::string_view::npos;
    const std::string_view part = bytes.substr(0, end);
    bytes.remove_prefix(part.size());
    if (discard) {
      head_.append(part);
      if (found) {
        find_framing();
      }
    }
    return found;
  }

  /// The same search with what the bytes before have matched; for the rare torn head.
  std::size_t match_slowly(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const char wanted = matched_ % 2 == 0 ? '\r' : '\n';
      matched_ = bytes[at] == wanted ? matched_ + 1 : (bytes[at] == '\r' ? 1 : 0);
      if (matched_ == 4) {
        matched_ = 0;
        return at + 1;
      }
    }
    return std::string_view::npos;
  }

  void find_framing() {
    constexpr const char* length_field = "\r\ncontent-length:";
    const char* length = ::strcasestr(head_.c_str(), length_field);
    chunked_ = ::strcasestr(head_.c_str(), "\r\ntransfer-encoding: chunked") != nullptr;
    body_left_ =
        length == nullptr ? 0 : std::strtoul(length + std::strlen(length_field), nullptr, 10);
    body_bytes_ = body_left_;
    head_.clear();
    line_.clear();
  }

  /// Takes one chunk-size line or the data behind it; 1 when the last chunk was there.
  unsigned feed_chunked(std::string_view& bytes) {
    if (chunk_left_ > 0) {
      const std::size_t taken = std::min(bytes.size(), chunk_left_);
      bytes.remove_prefix(taken);
      chunk_left_ -= taken;
      return 0;
    }
    const std::size_t end = bytes.find('\n');
    line_.append(bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (end == std::string_view::npos) {
      return 0;
    }
    const bool empty = line_ == "\r";
    const std::size_t size = std::strtoul(line_.c_str(), nullptr, 16);
    line_.clear();
    if (last_chunk_ && empty) {
      chunked_ = last_chunk_ = false;
      return 1;
    }
    last_chunk_ = size == 0;
    body_bytes_ += size;
    chunk_left_ = size == 0 ? 0 : size + 2;
    return 0;
  }

  unsigned matched_ = 0;
  std::size_t body_left_ = 0;
  std::size_t body_bytes_ = 0;
  std::size_t chunk_left_ = 0;
  bool chunked_ = false;
  bool last_chunk_ = false;
  std::string head_;
  std::string line_;
};

/// The response repeated, so that what one receive asked for leaves with one send.
class Responses {
 public:
  explicit Responses(std::size_t body_bytes) : one_(make_response(body_bytes)) {
    const std::size_t count = std::max<std::size_t>(1, 65536 / one_.size());
    for (std::size_t at = 0; at < count; ++at) {
      run_ += one_;
    }
  }
  /// The bytes of `count` responses, or of as many as one run holds.
  std::string_view view(std::size_t count) const {
    return std::string_view(run_).substr(0, std::min(run_.size(), count * one_.size()));
  }
  std::size_t count(std::string_view bytes) const { return bytes.size() / one_.size(); }

 private:
  std::string one_;
  std::string run_;
};

}  // namespace bench
