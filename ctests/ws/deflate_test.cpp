// Inflater and DeflatePool: robustness 67, against zlib as a client uses it.
#include <ringhorn/ws/deflate.hpp>

#include <string>
#include <utility>

#include "ws/deflate.hpp"

using namespace ringhorn::ws;
using ringhorn::base::ByteBuffer;

using Result = Inflater::Result;

namespace {

constexpr std::size_t plenty = 1 << 26;

std::string compress(DeflatePool& pool, std::string_view payload, std::uint8_t window_bits = 15) {
  ByteBuffer out;
  out.append("before");
  const bool shorter = pool.compress(payload, window_bits, out);
  REQUIRE(out.view().substr(0, 6) == "before");
  REQUIRE(shorter == (out.size() > 6));
  REQUIRE(out.size() - 6 < std::max<std::size_t>(payload.size(), 1));
  return std::string(out.view().substr(6));
}

// Inflates a message in pieces of that size.
Result inflate(Inflater& inflater, std::string_view payload, ByteBuffer& out,
               std::size_t piece = plenty, std::size_t output_bytes_max = plenty) {
  inflater.start();
  while (!payload.empty()) {
    const std::string_view next = payload.substr(0, piece);
    payload.remove_prefix(next.size());
    if (const Result result = inflater.feed(next, out, output_bytes_max); result != Result::done) {
      return result;
    }
  }
  return inflater.finish(out, output_bytes_max);
}

}  // namespace

TEST_CASE("DeflatePool: what is compressed can be read with the window agreed on", "[ws]") {
  DeflatePool pool;
  for (const std::size_t size : {100, 1000, 4096, 4097, 40'000, 300'000}) {
    const std::string payload = prose(size);
    for (std::uint8_t bits = 9; bits <= 15; ++bits) {
      const std::string result = compress(pool, payload, bits);
      INFO(size << " bytes, window of " << int{bits});
      REQUIRE(result.size() < payload.size());
      REQUIRE(zlib_inflate(result, bits) == payload);
    }
  }
}

TEST_CASE("DeflatePool: what would not get shorter is left alone", "[ws]") {
  DeflatePool pool;
  for (const std::string& payload :
       {std::string(), std::string("a"), std::string("abcdefgh"), noise(1000), noise(100'000)}) {
    REQUIRE(compress(pool, payload).empty());
    REQUIRE(compress(pool, payload).empty());
  }
}

TEST_CASE("DeflatePool: messages are independent of those before", "[ws]") {
  DeflatePool pool;
  const std::string first = prose(2000);
  const std::string second = prose(2001);
  const std::string alone = compress(pool, second);
  compress(pool, first);
  REQUIRE(compress(pool, second) == alone);
}

TEST_CASE("DeflatePool: a message to many is compressed once for each window", "[ws]") {
  DeflatePool pool;
  const std::string payload = prose(50'000);
  const std::string result = compress(pool, payload);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(compress(pool, payload) == result);
  }
  REQUIRE(pool.compressed_count() == 1);
  REQUIRE(zlib_inflate(compress(pool, payload, 10), 10) == payload);
  REQUIRE(pool.compressed_count() == 2);
  REQUIRE(compress(pool, payload, 15) == result);
  REQUIRE(pool.compressed_count() == 2);
  std::string other = payload;
  other.back() = '!';
  REQUIRE(zlib_inflate(compress(pool, other)) == other);
  REQUIRE(pool.compressed_count() == 3);
  // One that is too large to be kept.
  const std::string large = prose(DeflatePool::shared_bytes_max + 1);
  compress(pool, large);
  compress(pool, large);
  REQUIRE(pool.compressed_count() == 5);
  REQUIRE(compress(pool, "").empty());
}

TEST_CASE("Inflater reads what zlib writes, in pieces of any size", "[ws]") {
  Inflater inflater;
  const std::string payload = prose(5000);
  for (const int flush : {Z_SYNC_FLUSH, Z_FINISH}) {
    for (const int bits : {9, 12, 15}) {
      for (const int level : {0, 1, 9}) {
        const std::string deflated = zlib_deflate(payload, flush, bits, level);
        for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, plenty}) {
          ByteBuffer out;
          REQUIRE(inflate(inflater, deflated, out, piece) == Result::done);
          REQUIRE(out.view() == payload);
        }
      }
    }
  }
}

TEST_CASE("Inflater reads the forms of RFC 7692 §7.2.3", "[ws]") {
  struct Case {
    const char* name;
    std::string payload;
    std::string expected;
  };
  const Case cases[] = {
      {"one block", {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}, "Hello"},
      {"a stored block", {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11}, "Hello"},
      {"a last block", {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8}, "Hello"},
      {"a last block and no other", {"\xf3\x48\xcd\xc9\xc9\x07\x00", 7}, "Hello"},
      {"two blocks", {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13}, "Hello"},
      {"an empty message", {"\x00", 1}, ""},
      {"an empty message of RFC 7692 §7.2.3.6", {"\x02\x00", 2}, ""},
      {"nothing at all", "", ""},
  };
  Inflater inflater;
  for (const Case& c : cases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, plenty}) {
      INFO(c.name << ", pieces of " << piece);
      ByteBuffer out;
      REQUIRE(inflate(inflater, c.payload, out, piece) == Result::done);
      REQUIRE(out.view() == c.expected);
    }
  }
}

TEST_CASE("Inflater: the window goes on behind a last block", "[ws]") {
  // "Hello" in a last block, then a block that says: five bytes from five bytes back.
  const std::string first("\xf3\x48\xcd\xc9\xc9\x07\x00", 7);
  const std::string second("\x02\x13\x00\x00", 4);
  Inflater inflater;
  ByteBuffer out;
  REQUIRE(inflate(inflater, first + second, out) == Result::done);
  REQUIRE(out.view() == "HelloHello");
}

TEST_CASE("Inflater refuses what is not deflated, and what is cut short", "[ws]") {
  Inflater inflater;
  const std::string whole = zlib_deflate(prose(3000));
  struct Case {
    const char* name;
    std::string payload;
  };
  const Case cases[] = {
      {"a block type that there is not", "\xff\xff\xff"},
      {"a stored block of two lengths", {"\x00\x05\x00\x00\x00hello", 10}},
      {"text", "this is no deflate stream"},
      {"cut in the middle", whole.substr(0, whole.size() / 2)},
      {"the last byte is missing", whole.substr(0, whole.size() - 1)},
      {"a distance before the beginning", {"\x02\x13\x00\x00", 4}},
      {"something behind the end", zlib_deflate("x", Z_FINISH) + "\xff\xff"},
  };
  for (const Case& c : cases) {
    for (const std::size_t piece : {std::size_t{1}, plenty}) {
      INFO(c.name << ", pieces of " << piece);
      ByteBuffer out;
      REQUIRE(inflate(inflater, c.payload, out, piece) == Result::bad);
    }
  }
  // Nothing of it stays.
  ByteBuffer out;
  REQUIRE(inflate(inflater, whole, out) == Result::done);
  REQUIRE(out.view() == prose(3000));
}

TEST_CASE("Inflater: no message sees the one before", "[ws]") {
  Inflater inflater;
  ByteBuffer out;
  REQUIRE(inflate(inflater, zlib_deflate("a secret of somebody else"), out) == Result::done);
  ByteBuffer other;
  REQUIRE(inflate(inflater, {"\x02\x13\x00\x00", 4}, other) == Result::bad);
  REQUIRE(other.empty());
}

TEST_CASE("robustness 67: a bomb stops at the limit, with memory of that size", "[ws]") {
  const std::string bomb = zlib_deflate(std::string(100'000'000, '\0'), Z_SYNC_FLUSH, 15, 9);
  REQUIRE(bomb.size() < 100'000);
  Inflater inflater;
  for (const std::size_t limit :
       {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{1'000'000}}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{16384}, plenty}) {
      ByteBuffer out;
      REQUIRE(inflate(inflater, bomb, out, piece, limit) == Result::too_big);
      REQUIRE(out.size() == limit);
      REQUIRE(out.capacity() <= 2 * limit + 70'000);
    }
  }
}

TEST_CASE("robustness 67: the limit is met exactly", "[ws]") {
  Inflater inflater;
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{258}, std::size_t{512}, std::size_t{100'000}}) {
    const std::string payload(size, 'x');
    const std::string deflated = zlib_deflate(payload);
    for (const std::size_t piece : {std::size_t{1}, plenty}) {
      ByteBuffer out;
      REQUIRE(inflate(inflater, deflated, out, piece, size) == Result::done);
      REQUIRE(out.view() == payload);
      ByteBuffer less;
      REQUIRE(inflate(inflater, deflated, less, piece, size - 1) == Result::too_big);
      REQUIRE(less.view() == payload.substr(1));
    }
  }
}

TEST_CASE("DeflatePool keeps a few inflaters and not all", "[ws]") {
  DeflatePool pool;
  std::vector<std::unique_ptr<Inflater>> taken;
  for (std::size_t i = 0; i < 3 * DeflatePool::spare_inflaters; ++i) {
    taken.push_back(pool.take_inflater());
  }
  Inflater* const last = taken.back().get();
  ByteBuffer out;
  REQUIRE(taken.back()->feed("\xff", out, plenty) == Result::bad);
  pool.give_back(std::move(taken.back()));
  taken.pop_back();
  // The one that was given back is as new.
  taken.push_back(pool.take_inflater());
  REQUIRE(taken.back().get() == last);
  REQUIRE(taken.back()->feed(zlib_deflate("hello"), out, plenty) == Result::done);
  REQUIRE(out.view() == "hello");
  for (std::unique_ptr<Inflater>& inflater : taken) {
    pool.give_back(std::move(inflater));
  }
}
