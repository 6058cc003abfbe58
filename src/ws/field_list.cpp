#include "field_list.hpp"

#include <algorithm>

namespace ringhorn::ws {

namespace {

bool is_token_char(char c) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         marks.find(c) != marks.npos;
}

constexpr std::string_view white_space = " \t";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(white_space);
  if (begin == text.npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(white_space) - begin + 1);
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool FieldList::next() noexcept {
  element_ = {};
  while (element_.empty() && !rest_.empty()) {
    const std::size_t end = std::min(rest_.find(','), rest_.size());
    element_ = trim(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
  }
  return !element_.empty();
}

bool ExtensionList::next_extension() noexcept {
  while (!broken_ && take(',')) {
  }
  if (broken_ || at_.empty()) {
    return false;
  }
  return take_token(name_) || give_up();
}

bool ExtensionList::next_parameter() noexcept {
  parameter_ = {};
  if (broken_ || !take(';')) {
    // An extension ends with the list or at a comma.
    return at_.empty() || at_.front() == ',' ? false : give_up();
  }
  if (!take_token(parameter_.name)) {
    return give_up();
  }
  parameter_.has_value = take('=');
  if (parameter_.has_value && !take_quoted(parameter_.value) && !take_token(parameter_.value)) {
    return give_up();
  }
  return true;
}

/// Takes `c` with the white space around it. Where nothing is taken, white space may be.
bool ExtensionList::take(char c) noexcept {
  at_.remove_prefix(std::min(at_.find_first_not_of(white_space), at_.size()));
  if (at_.empty() || at_.front() != c) {
    return false;
  }
  at_.remove_prefix(1);
  at_.remove_prefix(std::min(at_.find_first_not_of(white_space), at_.size()));
  return true;
}

bool ExtensionList::take_token(std::string_view& token) noexcept {
  const auto* const end = std::find_if_not(at_.begin(), at_.end(), is_token_char);
  token = at_.substr(0, static_cast<std::size_t>(end - at_.begin()));
  at_.remove_prefix(token.size());
  return !token.empty();
}

bool ExtensionList::take_quoted(std::string_view& text) noexcept {
  if (at_.empty() || at_.front() != '"') {
    return false;
  }
  std::size_t end = 1;
  while (end < at_.size() && at_[end] != '"') {
    end += at_[end] == '\\' ? 2U : 1U;
  }
  if (end >= at_.size()) {
    return false;
  }
  text = at_.substr(1, end - 1);
  at_.remove_prefix(end + 1);
  return true;
}

bool ExtensionList::give_up() noexcept {
  broken_ = true;
  return false;
}

}  // namespace ringhorn::ws
