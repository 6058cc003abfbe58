#include <ringhorn/base/fork_mark.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>

namespace ringhorn::base {

namespace {
std::size_t page_bytes() noexcept {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
}  // namespace

ForkMark::ForkMark() noexcept : pid_(::getpid()) {
  const std::size_t size = page_bytes();
  void* const at =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) {
    return;
  }
  if (::madvise(at, size, MADV_WIPEONFORK) != 0) {
    ::munmap(at, size);
    return;
  }
  page_ = ::new (at) Page(1);
}

ForkMark::~ForkMark() {
  if (page_ != nullptr) {
    ::munmap(page_, page_bytes());
  }
}

bool ForkMark::asks_in_child() const noexcept {
  return pid_ != ::getpid();
}

}  // namespace ringhorn::base
