/// The character classes of HTTP and the loops that run over them: where a target, a name or a
/// value ends. Called by the parsers and the writer for every byte of a head, so 16 bytes at a time
/// where SSE2 is there (every x86-64), else by table. Never reads at or beyond the `end` given.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace ringhorn::http {

/// Bits of char_classes. Space is in none but field_char and quoted_char.
inline constexpr std::uint8_t token_char = 1;   ///< RFC 9110 §5.6.2 tchar
inline constexpr std::uint8_t target_char = 2;  ///< VCHAR without '#': no fragment in a target
inline constexpr std::uint8_t field_char = 4;   ///< anything but CTL, and HTAB
/// RFC 3986 §3.2.2 without pct-encoded, and without ',': in Host it means two lines joined to one.
inline constexpr std::uint8_t reg_name_char = 8;
inline constexpr std::uint8_t quoted_char = 16;  ///< qdtext, RFC 9110 §5.6.4

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr std::size_t octet(char c) {
  return static_cast<unsigned char>(c);
}

constexpr std::array<std::uint8_t, 256> make_char_classes() {
  std::array<std::uint8_t, 256> classes{};
  constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view reg_name_marks = "-._~!$&'()*+;=";
  for (std::size_t i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool alnum = is_alpha(c) || is_digit(c);
    unsigned bits = 0;
    if (alnum || token_marks.find(c) != token_marks.npos) {
      bits |= token_char;
    }
    if (i > 0x20 && i < 0x7f && c != '#') {
      bits |= target_char;
    }
    if ((i >= 0x20 && i != 0x7f) || c == '\t') {
      bits |= field_char;
      bits |= c != '"' && c != '\\' ? quoted_char : 0U;
    }
    if (alnum || reg_name_marks.find(c) != reg_name_marks.npos) {
      bits |= reg_name_char;
    }
    classes[i] = static_cast<std::uint8_t>(bits);
  }
  return classes;
}
inline constexpr auto char_classes = make_char_classes();

constexpr bool is_in(char c, std::uint8_t classes) {
  return (char_classes[octet(c)] & classes) != 0;
}

/// The lower-case form of a token character, 0 for every other byte.
constexpr std::array<char, 256> make_lower_token() {
  std::array<char, 256> lower{};
  for (std::size_t i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    if (is_in(c, token_char)) {
      lower[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
  }
  return lower;
}
inline constexpr auto lower_token_chars = make_lower_token();

/// The value of a hexadecimal digit, -1 for every other byte.
constexpr int hex_value(char c) {
  if (is_digit(c)) {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

#if defined(__SSE2__)
inline __m128i load_16(const char* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
/// 0xff in each byte that is at most `high` above `low`.
inline __m128i in_range(__m128i bytes, char low, char high) {
  const __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
  const __m128i width = _mm_set1_epi8(static_cast<char>(high - low));
  return _mm_cmpeq_epi8(_mm_min_epu8(shifted, width), shifted);
}
/// 0xff in each byte that is a letter of either case.
inline __m128i letters(__m128i bytes) {
  return in_range(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
}
/// 0xff in each byte that cannot be in a field value.
inline __m128i field_breakers(__m128i bytes) {
  const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
  return _mm_or_si128(_mm_andnot_si128(tab, in_range(bytes, 0, 0x1f)), del);
}
/// 0xff in each byte that cannot be in a target. Bytes from 0x80 up are negative here.
inline __m128i target_breakers(__m128i bytes) {
  const __m128i low_or_high = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21));
  const __m128i hash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
  return _mm_or_si128(low_or_high, _mm_or_si128(hash, del));
}
/// One bit for each byte of a mask.
inline unsigned bits_of(__m128i mask) {
  return static_cast<unsigned>(_mm_movemask_epi8(mask));
}
inline unsigned first_bit(unsigned bits) {
  return static_cast<unsigned>(__builtin_ctz(bits));
}
#endif

/// The first byte from `from` on that is not in `classes`, or `end`.
template <typename Char>
inline Char* skip_class(Char* from, Char* end, std::uint8_t classes) {
  while (from != end && is_in(*from, classes)) {
    ++from;
  }
  return from;
}

/// The first byte that cannot be in a request-target, or `end`.
inline char* skip_target(char* from, char* end) {
#if defined(__SSE2__)
  for (; end - from >= 16; from += 16) {
    if (const unsigned bits = bits_of(target_breakers(load_16(from))); bits != 0) {
      return from + first_bit(bits);
    }
  }
#endif
  return skip_class(from, end, target_char);
}

/// The first byte that cannot be in a field value, or `end`.
template <typename Char>
inline Char* skip_value(Char* from, Char* end) {
#if defined(__SSE2__)
  for (; end - from >= 16; from += 16) {
    if (const unsigned bits = bits_of(field_breakers(load_16(from))); bits != 0) {
      return from + first_bit(bits);
    }
  }
#endif
  return skip_class(from, end, field_char);
}

/// The first `wanted`, or `end`. Short texts are the rule here, so that no call to memchr pays.
inline const char* find_byte(const char* from, const char* end, char wanted) {
#if defined(__SSE2__)
  for (; end - from >= 16; from += 16) {
    const __m128i found = _mm_cmpeq_epi8(load_16(from), _mm_set1_epi8(wanted));
    if (const unsigned bits = bits_of(found); bits != 0) {
      return from + first_bit(bits);
    }
  }
#endif
  while (from != end && *from != wanted) {
    ++from;
  }
  return from;
}

/// Lower-cases token characters in place; returns the first byte that is none, or `end`. Only bytes
/// that change are written: a wide store here would stall the load of the value behind the name.
inline char* lower_name(char* from, char* end) {
#if defined(__SSE2__)
  while (end - from >= 16) {
    const __m128i bytes = load_16(from);
    const __m128i alpha = letters(bytes);
    const __m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
    const __m128i usual = _mm_or_si128(_mm_or_si128(alpha, dash), in_range(bytes, '0', '9'));
    const unsigned others = ~bits_of(usual) & 0xffffU;
    const unsigned count = others != 0 ? first_bit(others) : 16;
    // Bit 5 tells the case of a letter; shifted up it is the sign that movemask collects.
    const unsigned lower_case = bits_of(_mm_slli_epi16(bytes, 2));
    unsigned upper = bits_of(alpha) & ~lower_case & ((1U << count) - 1);
    for (; upper != 0; upper &= upper - 1) {
      from[first_bit(upper)] |= 0x20;
    }
    from += count;
    if (count < 16) {
      break;
    }
  }
#endif
  for (char lower; from != end && (lower = lower_token_chars[octet(*from)]) != 0; ++from) {
    *from = lower;
  }
  return from;
}

/// ASCII comparison without regard to case. REQUIRES: `lower` is lower-case
inline bool equals_nocase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((is_alpha(c) ? static_cast<char>(c | 0x20) : c) != lower[i]) {
      return false;
    }
  }
  return true;
}

/// Takes SP and HTAB off both ends, nothing else (RFC 9110 §5.6.3).
inline std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

/// Takes the next element off a comma-separated list, trimmed; it may be empty.
inline std::string_view take_element(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view element = trim(list.substr(0, comma));
  list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
  return element;
}

}  // namespace ringhorn::http
