/// ForkMark tells the process that made it from the children that it forks: `io` asks it before it
/// touches what parent and child share in the kernel, or what the child has no memory of. The
/// kernel keeps the answer, in a page that it empties in each child however that was forked: asking
/// costs a look at memory. A child of vfork(), which has its parent's memory, is not told apart; it
/// may only execute a program.
#pragma once

#include <sys/types.h>

#include <atomic>

namespace ringhorn::base {

class ForkMark {
 public:
  ForkMark() noexcept;
  ForkMark(const ForkMark&) = delete;
  ForkMark& operator=(const ForkMark&) = delete;
  ~ForkMark();

  /// Whether this is another process than the one that made the mark.
  bool in_child() const noexcept {
    return page_ != nullptr ? page_->load(std::memory_order_relaxed) == 0 : asks_in_child();
  }

 private:
  using Page = std::atomic<unsigned char>;
  bool asks_in_child() const noexcept;

  Page* page_ = nullptr;  ///< null where the kernel cannot do it: then the number decides
  pid_t pid_;
};

}  // namespace ringhorn::base
