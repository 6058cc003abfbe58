/// HeaderCache gives the `(name, value)` tuple of a header field, shared between requests that send
/// the same field: clients repeat most of theirs with every request. Tuples and bytes cannot be
/// changed by the application, so sharing them is safe. Direct-mapped and of fixed size; what does
/// not fit, or is a secret (cookies, credentials), is made anew each time. Needs the GIL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ringhorn/py/ref.hpp>

namespace ringhorn::asgi {

class HeaderCache {
 public:
  /// A new reference to `(name, value)`, two `bytes`; null with an exception set on failure.
  PyObject* make_pair(std::string_view name, std::string_view value);

 private:
  static constexpr std::size_t entry_count = 1024;
  static constexpr std::size_t value_bytes_max = 512;
  static constexpr std::size_t name_count = 256;

  struct Entry {
    std::uint64_t hash = 0;
    py::Ref pair;
  };
  /// `hash` is hash_bytes(name).
  PyObject* make_name(std::string_view name, std::uint64_t hash);

  std::array<Entry, entry_count> pairs_;
  std::array<py::Ref, name_count> names_;
};

}  // namespace ringhorn::asgi
