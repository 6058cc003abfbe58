/// Which backend stands behind a Driver: the ring, or epoll where the ring cannot be had
/// (containers forbid it by default). Called by whoever makes a driver, in the thread that will use
/// it, after the last fork. Nothing here remembers an earlier answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <ringhorn/base/result.hpp>
#include <ringhorn/io/driver.hpp>

namespace ringhorn::io {

enum class Backend : std::uint8_t {
  automatic,  ///< the ring if it can be had, otherwise epoll
  uring,
  epoll,
};

/// Sizes of an epoll driver. It has one receive buffer, which all its connections share.
struct EpollSettings {
  /// What ReceiveHandler::on_received promises: a body of usual size is one call of the kernel and
  /// one of the handler. Only pages that were needed once are resident.
  unsigned receive_buffer_bytes = 262144;
  /// Operations handled before output is flushed and the kernel is asked again.
  unsigned events_per_turn = 64;
};

/// Fails only where not even a descriptor or a page is left: one sentence that says so.
base::Result<std::unique_ptr<Driver>, std::string> make_epoll_driver(const EpollSettings& settings);

struct Choice {
  std::unique_ptr<Driver> driver;
  /// Why it is not the ring although that was wanted: a sentence that begins with a small letter.
  /// Empty when it is what was asked for.
  std::string reason;
};

/// Makes what is wanted. On failure one sentence with cause and remedy: that of the ring when the
/// ring was asked for.
base::Result<Choice, std::string> make_driver(Backend wanted, const UringSettings& uring = {},
                                              const EpollSettings& epoll = {});

}  // namespace ringhorn::io
