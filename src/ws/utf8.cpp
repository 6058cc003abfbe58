#include <ringhorn/ws/utf8.hpp>

#include <array>
#include <cstddef>
#include <cstring>

namespace ringhorn::ws {

namespace {

// The automaton of RFC 3629 §4. A state is what the character that has begun still needs. States
// are numbered in steps of six: a row holds for one byte the next state of all of them, six bits
// each, so that a step is a load that does not wait for the state, and a shift.
enum : unsigned {
  between = 0,      // nothing: the next character may begin
  one_more = 6,     // 80..BF
  two_more = 12,    // 80..BF, then one more
  three_more = 18,  // 80..BF, then two more
  after_e0 = 24,    // A0..BF, then one more: else it would be overlong
  after_ed = 30,    // 80..9F, then one more: else a surrogate
  after_f0 = 36,    // 90..BF, then two more: else overlong
  after_f4 = 42,    // 80..8F, then two more: else above U+10FFFF
  bad = 48,
};

constexpr unsigned first_byte(unsigned byte) {
  if (byte < 0x80) {
    return between;
  }
  if (byte >= 0xC2 && byte <= 0xDF) {
    return one_more;
  }
  if (byte >= 0xE0 && byte <= 0xEF) {
    return byte == 0xE0 ? after_e0 : byte == 0xED ? after_ed : two_more;
  }
  if (byte >= 0xF0 && byte <= 0xF4) {
    return byte == 0xF0 ? after_f0 : byte == 0xF4 ? after_f4 : three_more;
  }
  return bad;
}

constexpr std::uint64_t row(unsigned byte) {
  const auto within = [byte](unsigned low, unsigned high, std::uint64_t next) {
    return byte >= low && byte <= high ? next : std::uint64_t{bad};
  };
  return std::uint64_t{first_byte(byte)} << between | within(0x80, 0xBF, between) << one_more |
         within(0x80, 0xBF, one_more) << two_more | within(0x80, 0xBF, two_more) << three_more |
         within(0xA0, 0xBF, one_more) << after_e0 | within(0x80, 0x9F, one_more) << after_ed |
         within(0x90, 0xBF, two_more) << after_f0 | within(0x80, 0x8F, two_more) << after_f4 |
         std::uint64_t{bad} << bad;
}

constexpr auto rows = [] {
  std::array<std::uint64_t, 256> made{};
  for (unsigned byte = 0; byte < made.size(); ++byte) {
    made[byte] = row(byte);
  }
  return made;
}();

/// How many bytes at the front are below 0x80, counted in whole words.
std::size_t ascii_words(const char* bytes, std::size_t size) {
  std::size_t at = 0;
  for (; size - at >= 2 * sizeof(std::uint64_t); at += 2 * sizeof(std::uint64_t)) {
    std::uint64_t words[2];
    std::memcpy(words, bytes + at, sizeof words);
    if (((words[0] | words[1]) & 0x8080808080808080) != 0) {
      break;
    }
  }
  return at;
}

}  // namespace

bool Utf8Validator::feed(std::string_view bytes) noexcept {
  std::uint64_t state = state_;
  std::uint64_t high_bits = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    if (state == between) {
      at += ascii_words(bytes.data() + at, bytes.size() - at);
    }
    // Steps on to the end of a character behind the next sixteen bytes, then looks for ASCII again.
    const std::size_t stop = bytes.size() - at > 16 ? at + 16 : bytes.size();
    for (; at < stop; ++at) {
      const auto byte = static_cast<unsigned char>(bytes[at]);
      high_bits |= byte;
      state = rows[byte] >> (state & 63);
    }
    state &= 63;
    if (state == bad) {
      break;
    }
  }
  ascii_ = ascii_ && high_bits < 0x80;
  state_ = static_cast<std::uint8_t>(state);
  return state != bad;
}

}  // namespace ringhorn::ws
