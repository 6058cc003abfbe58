/// The ring of the bench's own programs, on liburing directly so that it is a yardstick for `io`
/// too: provided buffers, multishot receive, deferred task work, one submit-and-wait a turn.
#pragma once

#include <liburing.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace bench {

[[noreturn]] inline void fail(const char* what, int error) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(error));
  std::exit(1);
}

class Ring {
 public:
  /// `buffer_count` is a power of two.
  Ring(unsigned buffer_count, unsigned buffer_bytes)
      : buffer_count_(buffer_count), buffer_bytes_(buffer_bytes) {
    set_up_ring();
    set_up_buffers();
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// A submission to prepare; the prep functions clear what was there, so that its data comes last.
  io_uring_sqe* next_sqe() {
    io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
    while (sqe == nullptr) {
      ::io_uring_submit(&ring_);
      sqe = ::io_uring_get_sqe(&ring_);
    }
    return sqe;
  }

  /// Receives until a completion comes without IORING_CQE_F_MORE.
  void arm_receive(int fd, std::uint64_t data) {
    io_uring_sqe* const sqe = next_sqe();
    ::io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    ::io_uring_sqe_set_data64(sqe, data);
  }

  /// MSG_WAITALL: the kernel goes on after a short send, so that there is nothing to count.
  void send(int fd, std::string_view bytes, std::uint64_t data) {
    io_uring_sqe* const sqe = next_sqe();
    ::io_uring_prep_send(sqe, fd, bytes.data(), bytes.size(), MSG_WAITALL | MSG_NOSIGNAL);
    ::io_uring_sqe_set_data64(sqe, data);
  }

  /// The bytes of a completed receive. REQUIRES: cqe.res > 0; give_back() follows
  std::string_view bytes_of(const io_uring_cqe& cqe) const {
    return {bytes_ + (cqe.flags >> IORING_CQE_BUFFER_SHIFT) * std::size_t{buffer_bytes_},
            static_cast<std::size_t>(cqe.res)};
  }
  void give_back(const io_uring_cqe& cqe) { give_back(cqe.flags >> IORING_CQE_BUFFER_SHIFT); }

  /// Submits, waits for one completion at least or for so long, and handles all that are there.
  template <typename Handle>
  void turn(std::int64_t wait_ns_max, Handle handle) {
    io_uring_cqe* first = nullptr;
    __kernel_timespec limit{.tv_sec = wait_ns_max / 1'000'000'000,
                            .tv_nsec = wait_ns_max % 1'000'000'000};
    const int result = wait_ns_max < 0
                           ? ::io_uring_submit_and_wait(&ring_, 1)
                           : ::io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
    if (result < 0 && result != -EINTR && result != -ETIME) {
      fail("io_uring_enter", -result);
    }
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      handle(*cqe);
      ++seen;
    }
    ::io_uring_cq_advance(&ring_, seen);
  }

 private:
  void set_up_ring() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = 8192;
    const int error = ::io_uring_queue_init_params(1024, &ring_, &params);
    if (error != 0) {
      fail("io_uring_setup", -error);
    }
    ::io_uring_register_ring_fd(&ring_);
  }

  void set_up_buffers() {
    const std::size_t ring_bytes = buffer_count_ * sizeof(io_uring_buf);
    void* memory = ::mmap(nullptr, ring_bytes + std::size_t{buffer_count_} * buffer_bytes_,
                          PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED) {
      fail("mmap", errno);
    }
    buffers_ = static_cast<io_uring_buf_ring*>(memory);
    bytes_ = static_cast<char*>(memory) + ring_bytes;
    ::io_uring_buf_ring_init(buffers_);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = buffer_count_;
    const int error = ::io_uring_register_buf_ring(&ring_, &registration, 0);
    if (error != 0) {
      fail("io_uring_register_buf_ring", -error);
    }
    for (unsigned id = 0; id < buffer_count_; ++id) {
      give_back(id);
    }
  }

  void give_back(unsigned id) {
    ::io_uring_buf_ring_add(buffers_, bytes_ + id * std::size_t{buffer_bytes_}, buffer_bytes_,
                            static_cast<unsigned short>(id),
                            ::io_uring_buf_ring_mask(buffer_count_), 0);
    ::io_uring_buf_ring_advance(buffers_, 1);
  }

  const unsigned buffer_count_;
  const unsigned buffer_bytes_;
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  char* bytes_ = nullptr;
};

}  // namespace bench
