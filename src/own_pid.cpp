// getpid() of the executable, in place of libc's: without a system call.
//
// asyncio of CPython 3.11 asks for it whenever somebody wants the running loop, so that a
// forked child does not take its parent's for its own: twenty times in a request that goes through
// anyio's task groups and threads. libc has not remembered the number since 2.25, because it could
// not know of every child. The kernel does: it empties the page below in each one (MADV_WIPEONFORK,
// Linux 4.14), however it was made. Only a child that shares all memory with its parent, as after
// vfork(), sees its parent's number; all that it may do is to execute a program.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <new>

namespace {

using Page = std::atomic<pid_t>;

pid_t ask_kernel() noexcept {
  return static_cast<pid_t>(::syscall(SYS_getpid));
}

/// Null where the kernel cannot do it.
Page* make_page() noexcept {
  const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const at =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) {
    return nullptr;
  }
  if (::madvise(at, size, MADV_WIPEONFORK) != 0) {
    ::munmap(at, size);
    return nullptr;
  }
  return ::new (at) Page(ask_kernel());
}

/// Holds 0 in a new child. Null until this file is initialised: the kernel is asked so long.
Page* const remembered = make_page();

}  // namespace

/// As <unistd.h> declares it.
[[gnu::used, gnu::visibility("default")]] pid_t getpid() noexcept {
  if (remembered == nullptr) {
    return ask_kernel();
  }
  pid_t pid = remembered->load(std::memory_order_relaxed);
  if (pid == 0) {
    pid = ask_kernel();
    remembered->store(pid, std::memory_order_relaxed);
  }
  return pid;
}
