#include "kernel.hpp"

namespace ringhorn::io {

int SystemKernel::set_up(unsigned entries, io_uring& ring, io_uring_params& params) {
  const int result = ::io_uring_queue_init_params(entries, &ring, &params);
  if (result != 0) {
    return result;
  }
  // A forked child must not write into the queues of its parent.
  ::io_uring_ring_dontfork(&ring);
  // Spares the kernel the look-up of the descriptor at each enter; an old kernel may refuse.
  ::io_uring_register_ring_fd(&ring);
  for (unsigned index = 0; index < ring.sq.ring_entries; ++index) {
    ring.sq.array[index] = index;
  }
  return 0;
}

int SystemKernel::register_buffers(io_uring& ring, io_uring_buf_reg& registration) {
  return ::io_uring_register_buf_ring(&ring, &registration, 0);
}

void SystemKernel::unregister_buffers(io_uring& ring, int group) {
  ::io_uring_unregister_buf_ring(&ring, group);
}

int SystemKernel::enter(io_uring& ring, unsigned count, unsigned completions_min, unsigned flags) {
  if (ring.enter_ring_fd != ring.ring_fd) {
    flags |= IORING_ENTER_REGISTERED_RING;
  }
  return ::io_uring_enter(static_cast<unsigned>(ring.enter_ring_fd), count, completions_min, flags,
                          nullptr);
}

void SystemKernel::tear_down(io_uring& ring) {
  ::io_uring_queue_exit(&ring);
}

}  // namespace ringhorn::io
