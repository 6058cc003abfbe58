#include <ringhorn/http/response_writer.hpp>

#include <algorithm>
#include <cstring>

#include "scan.hpp"

namespace ringhorn::http {

namespace {

struct CivilDate {
  std::int64_t year;
  unsigned month;  // 1 to 12
  unsigned day;    // 1 to 31
};

// Days since 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that
// the leap day is a year's last, and in eras of 400 years, which all have 146097 days.
CivilDate civil_date(std::int64_t days) noexcept {
  days += 719468;  // since 0000-03-01
  const std::int64_t era = days / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;  // 0 is March
  return {year_of_era + era * 400 + (month >= 10 ? 1 : 0),
          static_cast<unsigned>(month < 10 ? month + 3 : month - 9),
          static_cast<unsigned>(day_of_year - (153 * month + 2) / 5 + 1)};
}

void write_digits(char* out, std::int64_t value, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

void write_date(char* out, std::int64_t epoch_seconds) noexcept {
  constexpr std::int64_t year_9999_end = 253402300799;
  constexpr const char* weekdays = "ThuFriSatSunMonTueWed";  // 1970-01-01 was a Thursday
  constexpr const char* months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::int64_t seconds = std::clamp<std::int64_t>(epoch_seconds, 0, year_9999_end);
  const std::int64_t days = seconds / 86400;
  const std::int64_t time = seconds % 86400;
  const CivilDate date = civil_date(days);
  std::memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", 29);
  std::memcpy(out, weekdays + days % 7 * 3, 3);
  write_digits(out + 5, date.day, 2);
  std::memcpy(out + 8, months + (date.month - 1) * 3, 3);
  write_digits(out + 12, date.year, 4);
  write_digits(out + 17, time / 3600, 2);
  write_digits(out + 20, time / 60 % 60, 2);
  write_digits(out + 23, time % 60, 2);
}

bool is_token(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  return !text.empty() && skip_class(text.data(), end, token_char) == end;
}

bool is_field_value(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  return skip_value(text.data(), end) == end;
}

void percent_decode(std::string_view text, base::ByteBuffer& out) {
  char* const begin = out.prepare(text.size() + 1);
  char* to = begin;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && text.size() - i > 2) {
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        *to++ = static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    *to++ = text[i];
  }
  out.commit(static_cast<std::size_t>(to - begin));
}

}  // namespace ringhorn::http
