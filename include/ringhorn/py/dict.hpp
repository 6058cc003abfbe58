/// What CPython knows of a dict besides its items.
#pragma once

#include <cstdint>

#include <ringhorn/py/python.hpp>

namespace ringhorn::py {

/// A number that no other change of any dict has (PEP 509): a dict whose number is the same has the
/// same items. CPython 3.12 calls it deprecated (PEP 699) and keeps it to 3.13; there will be
/// watchers for it then. REQUIRES: the GIL, an exact dict
inline std::uint64_t dict_version(PyObject* dict) noexcept {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return reinterpret_cast<PyDictObject*>(dict)->ma_version_tag;
#pragma GCC diagnostic pop
}

}  // namespace ringhorn::py
