/// FreeList keeps the memory of a few dead objects of one garbage-collected type for the next ones:
/// a loop makes and drops a handle per callback. It never holds a live object, nor a reference.
#pragma once

#include <array>
#include <cstddef>

#include <ringhorn/py/python.hpp>

namespace ringhorn::loop {

class FreeList {
 public:
  FreeList() = default;
  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;
  ~FreeList() {
    while (count_ > 0) {
      PyObject_GC_Del(slots_[--count_]);
    }
  }

  /// A new object of `type`, not yet tracked; its own fields hold what the dead one left there.
  /// Null with MemoryError set when there is no memory.
  PyObject* make(PyTypeObject* type) noexcept {
    PyObject* object =
        count_ > 0 ? PyObject_Init(slots_[--count_], type) : PyObject_GC_New(PyObject, type);
    live_count_ += object != nullptr ? 1 : 0;
    return object;
  }
  /// Takes an untracked object at the end of its deallocation. Its reference to its type is left
  /// to the caller.
  void take(PyObject* object) noexcept {
    --live_count_;
    if (count_ < slots_.size()) {
      slots_[count_++] = object;
    } else {
      PyObject_GC_Del(object);
    }
  }
  /// Objects made and not yet taken back.
  std::size_t live_count() const noexcept { return live_count_; }

 private:
  std::size_t count_ = 0;
  std::size_t live_count_ = 0;
  std::array<PyObject*, 256> slots_{};
};

}  // namespace ringhorn::loop
