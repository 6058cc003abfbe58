/// Copies a field's name or value while checking it. Called by ResponseWriter for every field of a
/// response. Every load is done before the store that it feeds, straight from the source: copying
/// first and checking the copy would make each wide load wait for narrower stores.
#pragma once

#include <cstring>
#include <string_view>

#include "scan.hpp"

namespace ringhorn::http {

/// Copies a token in lower case to `to`; false when it is none (then `to` holds rubbish).
inline bool copy_token_by_table(char* to, std::string_view from) {
  for (const char c : from) {
    const char lower = lower_token_chars[octet(c)];
    if (lower == 0) {
      return false;
    }
    *to++ = lower;
  }
  return !from.empty();
}

inline bool copy_value_by_table(char* to, std::string_view from) {
  for (const char c : from) {
    if (!is_in(c, field_char)) {
      return false;
    }
    *to++ = c;
  }
  return true;
}

#if defined(__SSE2__)
inline __m128i load_8(const char* from) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
}
inline void store_8(char* to, __m128i bytes) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
}
inline void store_16(char* to, __m128i bytes) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
}

/// Lower-cases; `bad` gathers what is no letter, digit or '-'. Other token characters are rare.
struct NameFilter {
  static __m128i apply(__m128i bytes, __m128i& bad) {
    const __m128i alpha = letters(bytes);
    const __m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
    const __m128i good = _mm_or_si128(_mm_or_si128(alpha, dash), in_range(bytes, '0', '9'));
    bad = _mm_or_si128(bad, _mm_xor_si128(good, _mm_set1_epi8(-1)));
    return _mm_or_si128(bytes, _mm_and_si128(alpha, _mm_set1_epi8(0x20)));
  }
};
struct ValueFilter {
  static __m128i apply(__m128i bytes, __m128i& bad) {
    bad = _mm_or_si128(bad, field_breakers(bytes));
    return bytes;
  }
};

/// Copies `size` >= 8 bytes through the filter; the last block overlaps the one before it instead
/// of reading on. False when the filter found something bad.
template <typename Filter>
inline bool copy_filtered(char* to, const char* from, std::size_t size) {
  __m128i bad = _mm_setzero_si128();
  if (size < 16) {
    const __m128i both = _mm_unpacklo_epi64(load_8(from), load_8(from + size - 8));
    const __m128i bytes = Filter::apply(both, bad);
    store_8(to, bytes);
    store_8(to + size - 8, _mm_unpackhi_epi64(bytes, bytes));
  } else {
    for (std::size_t i = 0; i + 16 < size; i += 16) {
      store_16(to + i, Filter::apply(load_16(from + i), bad));
    }
    store_16(to + size - 16, Filter::apply(load_16(from + size - 16), bad));
  }
  return bits_of(bad) == 0;
}
#endif

inline bool copy_token(char* to, std::string_view from) {
#if defined(__SSE2__)
  if (from.size() >= 8 && copy_filtered<NameFilter>(to, from.data(), from.size())) {
    return true;
  }
#endif
  return copy_token_by_table(to, from);
}

inline bool copy_value(char* to, std::string_view from) {
#if defined(__SSE2__)
  if (from.size() >= 8) {
    return copy_filtered<ValueFilter>(to, from.data(), from.size());
  }
#endif
  return copy_value_by_table(to, from);
}

}  // namespace ringhorn::http
