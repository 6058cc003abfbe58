/// Registration is what EpollDriver knows of one descriptor number: the operations that wait there,
/// and what the kernel was last told about it. RegistrationTable holds them all, by number; it
/// calls no system but to look whether a number is a descriptor at all. One thread only.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <ringhorn/base/intrusive_list.hpp>

#include "operation_access.hpp"

namespace ringhorn::io {

struct ChangedTag;

struct Registration : public base::ListNode<ChangedTag> {
  /// What a receive wants to hear of. RDHUP, PRI and the like say that a short read does not prove
  /// the socket's buffer empty.
  static constexpr std::uint32_t receive_events = EPOLLIN | EPOLLRDHUP | EPOLLPRI;
  /// What makes a receive read on until the kernel says EAGAIN.
  static constexpr std::uint32_t rest_events = EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;

  bool in_use() const noexcept {
    return accept != nullptr || receive != nullptr || send != nullptr || !polls.empty();
  }
  /// What the kernel ought to be told; 0 when nobody waits.
  std::uint32_t wanted() noexcept;
  /// Whether what the kernel was told covers what is wanted.
  bool covers(std::uint32_t wanted) const noexcept;

  int fd = -1;
  /// Tells an event of this file from one of an earlier file with the same number.
  std::uint32_t generation = 0;
  /// The mask that the kernel has, with its mode; 0 when it has none.
  std::uint32_t told = 0;
  /// Since `told` was told somebody has waited all the time, so that it is still the same file.
  bool certain = false;
  int error = 0;           ///< why the kernel does not watch it
  std::uint32_t rest = 0;  ///< of rest_events, seen since `receive` began to wait

  // Those that wait for an event. A stream or a listener has one of each, polls are any number.
  Accept* accept = nullptr;
  Receive* receive = nullptr;
  Send* send = nullptr;
  base::IntrusiveList<Operation, OperationTag> polls;
};

class RegistrationTable {
 public:
  /// That of a number for which there was an add(). REQUIRES: there was
  Registration& at(int fd) noexcept { return (*pages_[page_of(fd)])[place_of(fd)]; }
  /// The same; null when there was none.
  Registration* find(int fd) noexcept;
  /// Finds or makes it; it stays where it is as long as the table. Null when `fd` is no descriptor
  /// (a number in reach of others is not checked: the kernel will say it).
  Registration* add(int fd);

 private:
  static constexpr std::size_t page_size = 64;
  using Page = std::array<Registration, page_size>;
  static std::size_t page_of(int fd) noexcept { return static_cast<std::size_t>(fd) / page_size; }
  static std::size_t place_of(int fd) noexcept { return static_cast<std::size_t>(fd) % page_size; }

  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace ringhorn::io
