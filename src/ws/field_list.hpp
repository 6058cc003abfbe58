/// The lists in the fields of a handshake (RFC 9110 §5.6.1, RFC 6455 §9.1): elements between
/// commas, extensions with their parameters. Read one by one, in linear time, without copying;
/// empty elements are skipped. Private to Handshake.
#pragma once

#include <cstddef>
#include <string_view>

namespace ringhorn::ws {

/// True for 1*tchar (RFC 9110 §5.6.2).
bool is_token(std::string_view text) noexcept;

/// The elements of a list without quoted strings, and without white space around them.
class FieldList {
 public:
  explicit FieldList(std::string_view list) noexcept : rest_(list) {}
  /// False behind the last element.
  bool next() noexcept;
  std::string_view element() const noexcept { return element_; }

 private:
  std::string_view rest_;
  std::string_view element_;
};

struct ExtensionParameter {
  std::string_view name;
  std::string_view value;  ///< without the quotes; what is behind a backslash stays behind it
  bool has_value = false;
};

///     list = #( token *( ";" token [ "=" ( token / quoted-string ) ] ) )
class ExtensionList {
 public:
  explicit ExtensionList(std::string_view list) noexcept : at_(list) {}

  /// Goes on to the next extension, whose parameters follow. False behind the last one, and where
  /// the list stops being one: broken() tells, and there is no way to go on.
  bool next_extension() noexcept;
  std::string_view name() const noexcept { return name_; }
  bool next_parameter() noexcept;
  const ExtensionParameter& parameter() const noexcept { return parameter_; }
  bool broken() const noexcept { return broken_; }

 private:
  bool take(char c) noexcept;
  bool take_token(std::string_view& token) noexcept;
  bool take_quoted(std::string_view& text) noexcept;
  bool give_up() noexcept;

  std::string_view at_;  // what is not read yet
  std::string_view name_;
  ExtensionParameter parameter_;
  bool broken_ = false;
};

}  // namespace ringhorn::ws
