#include <ringhorn/telemetry/escape.hpp>

#include <cstdint>
#include <cstring>

namespace ringhorn::telemetry {

namespace {

constexpr std::uint64_t each_byte = 0x0101010101010101;
constexpr std::uint64_t top_bits = 0x8080808080808080;

bool is_plain(unsigned char byte) {
  return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/// Not zero where a byte of `word` is zero. May err for the byte above such a one, which is enough
/// to answer whether there is any.
std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - each_byte) & ~word & top_bits;
}

/// Whether all eight bytes are plain: almost every request target is, and is then copied by words.
bool is_plain_word(std::uint64_t word) {
  const std::uint64_t below_space = (word - each_byte * 0x20) & ~word & top_bits;
  const std::uint64_t from_delete = ((word + each_byte) | word) & top_bits;
  const std::uint64_t quote = zero_bytes(word ^ (each_byte * '"'));
  const std::uint64_t backslash = zero_bytes(word ^ (each_byte * '\\'));
  return (below_space | from_delete | quote | backslash) == 0;
}

char* escape_byte(char* out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (is_plain(byte)) {
    *out = static_cast<char>(byte);
    return out + 1;
  }
  out[0] = '\\';
  out[1] = 'x';
  out[2] = digits[byte >> 4];
  out[3] = digits[byte & 15];
  return out + escaped_bytes_max;
}

}  // namespace

char* escape_to(char* out, std::string_view text) noexcept {
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if (is_plain_word(word)) {
      std::memcpy(out, &word, sizeof word);
      out += sizeof word;
      continue;
    }
    for (std::size_t i = at; i < at + sizeof word; ++i) {
      out = escape_byte(out, static_cast<unsigned char>(text[i]));
    }
  }
  for (; at < text.size(); ++at) {
    out = escape_byte(out, static_cast<unsigned char>(text[at]));
  }
  return out;
}

void escape(std::string_view text, base::ByteBuffer& out) {
  char* begin = out.prepare(escaped_bytes_max * text.size());
  out.commit(static_cast<std::size_t>(escape_to(begin, text) - begin));
}

std::string escaped(std::string_view text) {
  std::string result(escaped_bytes_max * text.size(), '\0');
  const char* end = escape_to(result.data(), text);
  result.resize(static_cast<std::size_t>(end - result.data()));
  return result;
}

}  // namespace ringhorn::telemetry
