/// A ring's driver on a ScriptedKernel, set up and ready: what the tests of its faults begin with.
#pragma once

#include <memory>

#include "io/uring_driver.hpp"
#include "io_support.hpp"
#include "scripted_kernel.hpp"

namespace io_test {

inline constexpr io::UringSettings small{.queue_entries = 4,
                                         .receive_buffer_count = 2,
                                         .receive_buffer_bytes = 16,
                                         .events_per_turn = 64};

/// A driver on a kernel that does what the test says. The descriptors of its operations are never
/// touched: any number will do.
struct Scripted {
  explicit Scripted(const io::UringSettings& settings = small,
                    ScriptedKernel::Silence silence = ScriptedKernel::Silence::kept) {
    auto owned = std::make_unique<ScriptedKernel>();
    kernel = owned.get();
    kernel->silence = silence;
    ring = std::make_unique<io::UringDriver>(std::move(owned));
    REQUIRE(ring->open(settings));
    driver = ring.get();
    turn(*driver, 0);
    wake = kernel->take(IORING_OP_POLL_ADD);
  }

  std::unique_ptr<io::UringDriver> ring;
  io::Driver* driver = nullptr;
  ScriptedKernel* kernel = nullptr;
  io_uring_sqe wake{};  ///< the request that watches for wake()
};

inline const UniqueFd& any_fd() {
  static const UniqueFd fd(::dup(0));
  return fd;
}

}  // namespace io_test
