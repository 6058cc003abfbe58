#include "registration.hpp"

#include <fcntl.h>

namespace ringhorn::io {

namespace {
constexpr std::uint32_t modes = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE;
}  // namespace

std::uint32_t Registration::wanted() noexcept {
  std::uint32_t mask = accept != nullptr ? EPOLLIN : 0U;
  for (Operation* poll = polls.front(); poll != nullptr; poll = polls.after(*poll)) {
    mask |= static_cast<unsigned short>(OperationAccess::events(static_cast<Poll&>(*poll)));
  }
  if (receive != nullptr || send != nullptr) {
    // Told once for the life of a connection: the driver reads and writes itself and knows how far.
    mask |= receive != nullptr ? receive_events : 0U;
    mask |= send != nullptr ? EPOLLOUT : 0U;
    return mask | EPOLLET;
  }
  if (!polls.empty()) {
    // Others read and write there, and the descriptor may change hands without a word after the
    // report: nothing may be taken for granted until the next start.
    return mask | EPOLLONESHOT;
  }
  // Of several workers that wait on one listener, the kernel wakes one.
  return accept != nullptr ? mask | EPOLLEXCLUSIVE : 0U;
}

bool Registration::covers(std::uint32_t wanted) const noexcept {
  const bool same_mode = ((wanted ^ told) & modes) == 0;
  return certain && same_mode && (wanted & ~told) == 0;
}

Registration* RegistrationTable::find(int fd) noexcept {
  return fd >= 0 && page_of(fd) < pages_.size() && pages_[page_of(fd)] != nullptr ? &at(fd)
                                                                                  : nullptr;
}

Registration* RegistrationTable::add(int fd) {
  if (Registration* known = find(fd)) {
    return known;
  }
  // The table reaches as far as descriptors do, not as far as numbers.
  if (fd < 0 || ::fcntl(fd, F_GETFD) < 0) {
    return nullptr;
  }
  const std::size_t page = page_of(fd);
  if (page >= pages_.size()) {
    pages_.resize(page + 1);
  }
  pages_[page] = std::make_unique<Page>();
  for (std::size_t place = 0; place < page_size; ++place) {
    (*pages_[page])[place].fd = static_cast<int>(page * page_size + place);
  }
  return &at(fd);
}

}  // namespace ringhorn::io
