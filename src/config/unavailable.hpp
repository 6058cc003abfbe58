/// The options that users of uvicorn and gunicorn know and that Ringhorn does not have (yet): each
/// is refused with a sentence of its own, so that nobody believes it to be in force. Called by
/// parse().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ringhorn::config {

enum class Verdict : std::uint8_t {
  not_yet,  ///< will come under this name
  own,      ///< what it chooses is built in
  other,    ///< gunicorn's name for something that goes by another name here, or not at all
};

/// Views are of literals. uvicorn's options are refused in the environment too; gunicorn has no
/// variables of its own, and RINGHORN_ENV may be anybody's.
struct UnavailableRow {
  std::string_view name;  ///< without dashes; a `*` at the end stands for any rest
  char letter;            ///< the short form; 0: none
  Verdict verdict;
  std::string_view hint;  ///< what to do instead
};

std::span<const UnavailableRow> unavailable_table();
/// The row for `name` (without dashes), its `no-` form, or a one-letter name; null when none.
const UnavailableRow* find_unavailable(std::string_view name);
/// "--workers is not available yet in Ringhorn 0.1.0: …" for the option that was written as
/// `spelling`.
std::string refusal_of(const UnavailableRow& row, std::string_view spelling);

}  // namespace ringhorn::config
