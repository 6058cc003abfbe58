/// zlib as a client uses it: an independent way of making and reading compressed messages.
#pragma once

#include <string>
#include <string_view>

#include <zlib.h>

#include "support/catch.hpp"

namespace ringhorn::ws {

/// Deflates without a zlib head. `flush` is Z_SYNC_FLUSH, whose last four bytes are left off as a
/// message wants it, or Z_FINISH for one last block.
inline std::string zlib_deflate(std::string_view bytes, int flush = Z_SYNC_FLUSH,
                                int window_bits = 15, int level = 6) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, level, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, static_cast<uLong>(bytes.size())) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&z, flush) >= Z_OK);
  REQUIRE(z.avail_out > 0);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  if (flush == Z_SYNC_FLUSH) {
    REQUIRE(out.substr(out.size() - 4) == std::string("\0\0\xff\xff", 4));
    out.resize(out.size() - 4);
  }
  return out;
}

/// What a client makes of the payload of one compressed message, with a window of its own size.
inline std::string zlib_inflate(std::string_view payload, int window_bits = 15) {
  const std::string bytes = std::string(payload) + std::string("\0\0\xff\xff", 4);
  z_stream z{};
  REQUIRE(inflateInit2(&z, -window_bits) == Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  char piece[4096];
  do {
    z.next_out = reinterpret_cast<Bytef*>(piece);
    z.avail_out = sizeof piece;
    const int status = inflate(&z, Z_SYNC_FLUSH);
    INFO("inflate says " << status);
    REQUIRE((status == Z_OK || status == Z_BUF_ERROR));
    out.append(piece, sizeof piece - z.avail_out);
  } while (z.avail_out == 0);
  REQUIRE(z.avail_in == 0);
  inflateEnd(&z);
  return out;
}

/// Text that compresses to about a tenth, no two stretches of it the same.
inline std::string prose(std::size_t size) {
  std::string text;
  for (unsigned i = 0; text.size() < size; ++i) {
    text += "{\"number\": " + std::to_string(i) + ", \"name\": \"the name of it\"}, ";
  }
  text.resize(size);
  return text;
}

/// Bytes that do not compress.
inline std::string noise(std::size_t size) {
  std::string bytes;
  std::uint32_t state = 1;
  while (bytes.size() < size) {
    state = state * 1664525 + 1013904223;
    bytes += static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace ringhorn::ws
