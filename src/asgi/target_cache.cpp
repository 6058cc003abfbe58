#include "target_cache.hpp"

#include <ringhorn/http/response_writer.hpp>
#include <ringhorn/py/bytes.hpp>

#include "byte_hash.hpp"

namespace ringhorn::asgi {

namespace {

/// `/apis` is not under `/api`, `/api` and `/api/x` are.
bool is_under(std::string_view path, std::string_view root_path) {
  return path.substr(0, root_path.size()) == root_path &&
         (path.size() == root_path.size() || path[root_path.size()] == '/');
}

}  // namespace

TargetCache::TargetCache(std::string root_path) : root_path_(std::move(root_path)) {
  while (!root_path_.empty() && root_path_.back() == '/') {
    root_path_.pop_back();  // the path that follows begins with one
  }
}

TargetCache::Target TargetCache::find(std::string_view raw_path) {
  const bool cached = raw_path.size() <= path_bytes_max;
  Entry& entry = cached ? entries_[hash_bytes(raw_path) % entry_count] : uncached_;
  const bool hit =
      entry.raw_path &&
      raw_path ==
          std::string_view(PyBytes_AS_STRING(entry.raw_path.get()),
                           static_cast<std::size_t>(PyBytes_GET_SIZE(entry.raw_path.get())));
  if (!hit && !fill(entry, raw_path)) {
    entry = Entry();
    return {nullptr, nullptr};
  }
  return {entry.path.get(), entry.raw_path.get()};
}

bool TargetCache::fill(Entry& entry, std::string_view raw_path) {
  decoded_.clear();
  http::percent_decode(raw_path, decoded_);
  std::string_view path = decoded_.view();
  std::string prefixed;
  if (!root_path_.empty() && path != "*" && !is_under(path, root_path_)) {
    prefixed = root_path_;
    prefixed += path;
    path = prefixed;
  }
  entry.path = py::Ref::steal(
      PyUnicode_DecodeUTF8(path.data(), static_cast<Py_ssize_t>(path.size()), "replace"));
  entry.raw_path = py::make_bytes(raw_path);
  return entry.path && entry.raw_path;
}

}  // namespace ringhorn::asgi
