/// OwnedSlice is a run of bytes together with the means to give it back: how `net` holds a Python
/// `bytes` until it is sent without knowing Python. Move-only; releases exactly once.
#pragma once

#include <string_view>
#include <utility>

namespace ringhorn::base {

class OwnedSlice {
 public:
  using Release = void (*)(void* owner);

  OwnedSlice() = default;
  /// `bytes` stay valid and unchanged until `release(owner)` is called, once, by this object's end.
  OwnedSlice(std::string_view bytes, Release release, void* owner) noexcept
      : bytes_(bytes), release_(release), owner_(owner) {}
  OwnedSlice(OwnedSlice&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})),
        release_(std::exchange(other.release_, nullptr)),
        owner_(other.owner_) {}
  OwnedSlice& operator=(OwnedSlice&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(release_, other.release_);
    std::swap(owner_, other.owner_);
    return *this;
  }
  ~OwnedSlice() {
    if (release_ != nullptr) {
      release_(owner_);
    }
  }

  std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::string_view bytes_;
  Release release_ = nullptr;
  void* owner_ = nullptr;
};

}  // namespace ringhorn::base
