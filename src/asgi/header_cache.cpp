#include "header_cache.hpp"

#include <cstring>

#include <ringhorn/http/head.hpp>
#include <ringhorn/py/bytes.hpp>

#include "byte_hash.hpp"

namespace ringhorn::asgi {

namespace {

bool equals(PyObject* bytes, std::string_view text) noexcept {
  return static_cast<std::size_t>(PyBytes_GET_SIZE(bytes)) == text.size() &&
         std::memcmp(PyBytes_AS_STRING(bytes), text.data(), text.size()) == 0;
}

/// A tuple of two bytes can be part of no cycle: untracked, it never counts for the collector.
PyObject* make_tuple(py::Ref name, py::Ref value) {
  if (!name || !value) {
    return nullptr;
  }
  PyObject* pair = PyTuple_New(2);
  if (pair != nullptr) {
    PyTuple_SET_ITEM(pair, 0, name.release());
    PyTuple_SET_ITEM(pair, 1, value.release());
    PyObject_GC_UnTrack(pair);
  }
  return pair;
}

}  // namespace

PyObject* HeaderCache::make_pair(std::string_view name, std::string_view value) {
  const std::uint64_t name_hash = hash_bytes(name);
  if (value.size() > value_bytes_max || http::is_secret(name)) {
    return make_tuple(py::Ref::steal(make_name(name, name_hash)), py::make_bytes(value));
  }
  const std::uint64_t hash = hash_bytes(value, name_hash);
  Entry& entry = pairs_[hash % entry_count];
  if (entry.hash == hash && entry.pair) {
    PyObject* pair = entry.pair.get();
    if (equals(PyTuple_GET_ITEM(pair, 0), name) && equals(PyTuple_GET_ITEM(pair, 1), value)) {
      return Py_NewRef(pair);
    }
  }
  PyObject* pair = make_tuple(py::Ref::steal(make_name(name, name_hash)), py::make_bytes(value));
  if (pair != nullptr) {
    entry.hash = hash;
    entry.pair = py::Ref::borrow(pair);
  }
  return pair;
}

PyObject* HeaderCache::make_name(std::string_view name, std::uint64_t hash) {
  py::Ref& slot = names_[hash % name_count];
  if (!slot || !equals(slot.get(), name)) {
    py::Ref bytes = py::make_bytes(name);
    if (!bytes || name.size() > value_bytes_max) {
      return bytes.release();
    }
    slot = std::move(bytes);
  }
  return Py_NewRef(slot.get());
}

}  // namespace ringhorn::asgi
