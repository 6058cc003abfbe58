/// TargetCache gives the `path` (str) and `raw_path` (bytes) of a request target, shared between
/// requests for the same path: decoding and hashing happen once. Direct-mapped and of fixed size.
/// Needs the GIL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/py/ref.hpp>

namespace ringhorn::asgi {

class TargetCache {
 public:
  /// `root_path` is put in front of every path that does not already begin with it at a segment
  /// border (ASGI www: `path` includes `root_path`, once).
  explicit TargetCache(std::string root_path);

  struct Target {
    PyObject* path;      ///< borrowed: str, percent-decoded, then UTF-8 with U+FFFD for what is not
    PyObject* raw_path;  ///< borrowed: bytes as sent
  };
  /// Valid until the next call. Both null with an exception set on failure.
  Target find(std::string_view raw_path);

 private:
  static constexpr std::size_t entry_count = 512;
  static constexpr std::size_t path_bytes_max = 256;

  struct Entry {
    py::Ref path;
    py::Ref raw_path;
  };
  bool fill(Entry& entry, std::string_view raw_path);

  std::string root_path_;
  base::ByteBuffer decoded_;
  std::array<Entry, entry_count> entries_;
  Entry uncached_;
};

}  // namespace ringhorn::asgi
