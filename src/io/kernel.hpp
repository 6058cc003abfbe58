/// Kernel is what Ring asks of the system: five calls, none of them per request or completion,
/// which travel through shared memory. Ring owns one. SystemKernel is the real one; the tests have
/// another, whose answers are scripted. One thread only.
#pragma once

#include <liburing.h>

namespace ringhorn::io {

class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  /// io_uring_setup(2) with `params`, and the queues mapped into `ring`, whose array of indices is
  /// the identity from then on. 0 or -errno.
  virtual int set_up(unsigned entries, io_uring& ring, io_uring_params& params) = 0;
  /// io_uring_register(2), IORING_REGISTER_PBUF_RING. 0 or -errno.
  virtual int register_buffers(io_uring& ring, io_uring_buf_reg& registration) = 0;
  /// IORING_UNREGISTER_PBUF_RING.
  virtual void unregister_buffers(io_uring& ring, int group) = 0;
  /// io_uring_enter(2) for `count` requests that lie before the queue's tail. Their number or
  /// -errno.
  virtual int enter(io_uring& ring, unsigned count, unsigned completions_min, unsigned flags) = 0;
  /// Undoes set_up(); the kernel gives up what is in flight.
  virtual void tear_down(io_uring& ring) = 0;
};

class SystemKernel final : public Kernel {
 public:
  int set_up(unsigned entries, io_uring& ring, io_uring_params& params) override;
  int register_buffers(io_uring& ring, io_uring_buf_reg& registration) override;
  void unregister_buffers(io_uring& ring, int group) override;
  int enter(io_uring& ring, unsigned count, unsigned completions_min, unsigned flags) override;
  void tear_down(io_uring& ring) override;
};

}  // namespace ringhorn::io
