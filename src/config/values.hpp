/// Readers turn the text of one option into a checked member of Options. Called by parse() through
/// the option table, for argv and environment alike. A reader that refuses leaves Options
/// unchanged.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include <ringhorn/config/options.hpp>

namespace ringhorn::config {

/// False when `text` is not such a value; the table says what was expected.
using Reader = bool (*)(std::string_view text, Options& options);

/// Decimal digits only, `low` to `high`.
std::optional<std::uint64_t> read_integer(std::string_view text, std::uint64_t low,
                                          std::uint64_t high);
/// `5`, `0.25`: 0 to Options::seconds_max.
std::optional<double> read_seconds(std::string_view text);
/// The words that click takes: true, t, yes, y, on, 1 and their opposites, in any case.
std::optional<bool> read_boolean(std::string_view text);

bool read_app(std::string_view text, Options& options);
bool read_host(std::string_view text, Options& options);
bool read_loop(std::string_view text, Options& options);
bool read_lifespan(std::string_view text, Options& options);
bool read_balance(std::string_view text, Options& options);
bool read_io(std::string_view text, Options& options);
bool read_web_sockets(std::string_view text, Options& options);
bool read_log_level(std::string_view text, Options& options);
/// A path as it stands on a request line.
bool read_health_path(std::string_view text, Options& options);
/// Appends one `NAME:VALUE`.
bool read_header(std::string_view text, Options& options);
/// Appends one endpoint (endpoint.hpp).
bool read_bind(std::string_view text, Options& options);
/// The path of a Unix socket that fits its address.
bool read_uds(std::string_view text, Options& options);
bool read_fd(std::string_view text, Options& options);
/// 1 to 500: as many as the supervisor can keep apart, each with a successor.
bool read_workers(std::string_view text, Options& options);
/// `660`, `0660`: octal, up to 777.
std::optional<std::uint32_t> read_permissions(std::string_view text);

template <auto member>
bool read_text(std::string_view text, Options& options) {
  options.*member = text;
  return true;
}

/// Appends.
template <auto member>
bool read_listed(std::string_view text, Options& options) {
  (options.*member).emplace_back(text);
  return !text.empty();
}

template <auto member>
bool read_octal(std::string_view text, Options& options) {
  const std::optional<std::uint32_t> value = read_permissions(text);
  if (value) {
    options.*member = *value;
  }
  return value.has_value();
}

/// `user`, `user:group`, `:group`; names or numbers, looked up by whoever uses them.
bool is_owner(std::string_view text);

template <auto member>
bool read_owner(std::string_view text, Options& options) {
  const bool right = is_owner(text);
  if (right) {
    options.*member = text;
  }
  return right;
}

template <auto member>
bool read_flag(std::string_view text, Options& options) {
  const std::optional<bool> value = read_boolean(text);
  if (value) {
    options.*member = *value;
  }
  return value.has_value();
}

template <auto member>
bool read_time(std::string_view text, Options& options) {
  const std::optional<double> value = read_seconds(text);
  if (value) {
    options.*member = *value;
  }
  return value.has_value();
}

/// The type of a number, also of an optional one.
template <typename T>
struct NumberOf {
  using Type = T;
};
template <typename T>
struct NumberOf<std::optional<T>> {
  using Type = T;
};

template <auto member, std::uint64_t low>
bool read_number(std::string_view text, Options& options) {
  using Number = typename NumberOf<std::remove_reference_t<decltype(options.*member)>>::Type;
  const auto value = read_integer(text, low, std::numeric_limits<Number>::max());
  if (value) {
    options.*member = static_cast<Number>(*value);
  }
  return value.has_value();
}

}  // namespace ringhorn::config
