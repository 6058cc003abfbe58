/// Attachment is a place on one object where a module above it keeps something of its own, with the
/// means to give it back: how `net` holds a Python object for `asgi` without knowing Python.
#pragma once

#include <utility>

namespace ringhorn::base {

class Attachment {
 public:
  using Release = void (*)(void* data);

  Attachment() = default;
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  ~Attachment() { set(nullptr, nullptr); }

  void* get() const noexcept { return data_; }
  /// Gives back what was there. `release(data)` is called once, by the next set() or the end.
  void set(void* data, Release release) noexcept {
    void* const old = std::exchange(data_, data);
    const Release release_old = std::exchange(release_, release);
    if (release_old != nullptr) {
      release_old(old);
    }
  }

 private:
  void* data_ = nullptr;
  Release release_ = nullptr;
};

}  // namespace ringhorn::base
