/// bytes objects out of C++ memory, which is copied. Empty with an exception set when there is no
/// memory. REQUIRES: the GIL
#pragma once

#include <string_view>

#include <ringhorn/py/ref.hpp>

namespace ringhorn::py {

inline Ref make_bytes(std::string_view bytes) noexcept {
  return Ref::steal(PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
}

}  // namespace ringhorn::py
