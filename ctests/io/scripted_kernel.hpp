/// ScriptedKernel is a ring without a kernel behind it: it takes requests as io_uring_enter(2)
/// does and answers what a test tells it to. What no real socket can be made to do on demand is
/// tested with it: overflow, exhaustion, errors of the system call itself.
#pragma once

#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "io/kernel.hpp"
#include "support/catch.hpp"

namespace io_test {

class ScriptedKernel final : public ringhorn::io::Kernel {
 public:
  /// How the receive that the driver tries while it is set up ends: as today, with an error, or
  /// after one completion, as before multishot.
  enum class Probe { works, refused, ends };

  /// What it makes of shared receive buffers: refuses them, as before 6.12; takes them and fills
  /// single ones all the same.
  enum class Sharing { refused, broken };

  /// What becomes of the probe's send that wants no completion when it goes whole: it has none, or
  /// one all the same.
  enum class Silence { kept, broken };
  Silence silence = Silence::kept;

  explicit ScriptedKernel(Probe probe = Probe::works, Sharing sharing = Sharing::refused)
      : probe_(probe), sharing_(sharing) {}

  /// Answers of the next calls of enter(), instead of taking requests: errnos.
  std::deque<int> enter_errors;
  /// Takes nothing until completions are collected, as when it is out of memory for requests.
  bool full = false;
  int enters = 0;
  unsigned last_flags = 0;  ///< of enter()
  unsigned features = 0;    ///< IORING_FEAT_*
  /// What happens in the next call, once its requests are taken.
  std::function<void()> on_enter;

  /// Requests that were taken and not yet asked for, oldest first.
  std::size_t waiting(int opcode) const {
    std::size_t count = 0;
    for (const io_uring_sqe& request : taken_) {
      count += request.opcode == opcode ? 1 : 0;
    }
    return count;
  }
  /// The oldest of them with this opcode.
  io_uring_sqe take(int opcode) {
    for (auto each = taken_.begin(); each != taken_.end(); ++each) {
      if (each->opcode == opcode) {
        const io_uring_sqe request = *each;
        taken_.erase(each);
        return request;
      }
    }
    FAIL("no such request: " << opcode);
    return {};
  }

  void complete(const io_uring_sqe& request, int result, unsigned flags = 0) {
    io_uring_cqe cqe{};
    cqe.user_data = request.user_data;
    cqe.res = result;
    cqe.flags = flags;
    if (overflow_.empty() && has_room()) {
      post(cqe);
    } else {
      overflow_.push_back(cqe);
      sq_flags_ |= IORING_SQ_CQ_OVERFLOW;
    }
  }
  /// Completes a receive with bytes in a provided buffer, or with -ENOBUFS when there is none.
  void deliver(const io_uring_sqe& request, std::string_view bytes,
               unsigned flags = IORING_CQE_F_MORE) {
    if (free_buffers() == 0) {
      return complete(request, -ENOBUFS);
    }
    const io_uring_buf& buffer = buffers_->bufs[buffers_head_++ & (buffer_count_ - 1)];
    REQUIRE(bytes.size() <= buffer.len);
    std::memcpy(reinterpret_cast<void*>(buffer.addr), bytes.data(), bytes.size());
    const unsigned id = static_cast<unsigned>(buffer.bid) << IORING_CQE_BUFFER_SHIFT;
    complete(request, static_cast<int>(bytes.size()), flags | IORING_CQE_F_BUFFER | id);
  }
  /// Buffers that the driver has provided and that are not filled.
  unsigned free_buffers() const {
    return static_cast<unsigned short>(buffers_->tail - buffers_head_);
  }

 private:
  int set_up(unsigned entries, io_uring& ring, io_uring_params& params) override {
    sqes_.resize(entries);
    cqes_.resize(params.cq_entries);
    ring.sq.khead = &sq_head_;
    ring.sq.ktail = &sq_tail_;
    ring.sq.kflags = &sq_flags_;
    ring.sq.sqes = sqes_.data();
    ring.sq.ring_mask = entries - 1;
    ring.sq.ring_entries = entries;
    ring.cq.khead = &cq_head_;
    ring.cq.ktail = &cq_tail_;
    ring.cq.cqes = cqes_.data();
    ring.cq.ring_mask = params.cq_entries - 1;
    ring.cq.ring_entries = params.cq_entries;
    ring.features = features;
    return 0;
  }
  int register_buffers(io_uring&, io_uring_buf_reg& registration) override {
    // The field behind the group, whatever liburing calls it, has the flags.
    unsigned short flags = 0;
    std::memcpy(&flags, &registration.bgid + 1, sizeof flags);
    if (flags != 0 && sharing_ == Sharing::refused) {
      return -EINVAL;
    }
    buffers_head_ = 0;
    buffers_ = reinterpret_cast<io_uring_buf_ring*>(registration.ring_addr);
    buffer_count_ = registration.ring_entries;
    return 0;
  }
  void unregister_buffers(io_uring&, int) override { buffers_ = nullptr; }
  void tear_down(io_uring&) override {}

  int enter(io_uring&, unsigned count, unsigned completions_min, unsigned flags) override {
    ++enters;
    last_flags = flags;
    if (!enter_errors.empty()) {
      const int error = enter_errors.front();
      enter_errors.pop_front();
      return -error;
    }
    full = full && (flags & IORING_ENTER_GETEVENTS) == 0;
    if (full) {
      return -EBUSY;
    }
    for (unsigned left = count; left > 0; --left) {
      const io_uring_sqe& request = sqes_[sq_head_++ % sqes_.size()];
      if (request.user_data != 0 || !answer_probe(request)) {
        taken_.push_back(request);
      }
    }
    if (on_enter) {
      std::exchange(on_enter, nullptr)();
    }
    if ((flags & IORING_ENTER_GETEVENTS) != 0) {
      flush_overflow();
    }
    if (completions_min > 0 && cq_head_ == cq_tail_) {
      FAIL("this wait would never end");
    }
    return static_cast<int>(count);
  }

  /// False when it is not a probe.
  bool answer_probe(const io_uring_sqe& request) {
    if (request.opcode == IORING_OP_SEND) {
      answer_send(request);
    } else if (request.opcode != IORING_OP_RECV) {
      return false;
    } else if (probe_ == Probe::refused) {
      complete(request, -EINVAL);
    } else {
      deliver(request, "x", probe_ == Probe::works ? IORING_CQE_F_MORE : 0);
      if (probe_ == Probe::works) {
        deliver(request, "y");
        complete(request, 0);
      }
    }
    return true;
  }
  /// One byte that fits, more than fit, and one byte that does not.
  void answer_send(const io_uring_sqe& request) {
    const bool first = sends_tried_++ == 0;
    if (!first || silence == Silence::broken) {
      complete(request, first ? 1 : (request.len > 1 ? 4096 : -EAGAIN));
    }
  }
  void flush_overflow() {
    while (!overflow_.empty() && has_room()) {
      post(overflow_.front());
      overflow_.pop_front();
    }
    if (overflow_.empty()) {
      sq_flags_ &= ~IORING_SQ_CQ_OVERFLOW;
    }
  }
  bool has_room() const { return cq_tail_ - cq_head_ < cqes_.size(); }
  void post(const io_uring_cqe& cqe) {
    std::memcpy(&cqes_[cq_tail_++ % cqes_.size()], &cqe, sizeof cqe);
  }

  Probe probe_;
  Sharing sharing_;
  int sends_tried_ = 0;
  std::vector<io_uring_sqe> sqes_;
  std::vector<io_uring_cqe> cqes_;
  unsigned sq_head_ = 0, sq_tail_ = 0, sq_flags_ = 0, cq_head_ = 0, cq_tail_ = 0;
  std::vector<io_uring_sqe> taken_;
  std::deque<io_uring_cqe> overflow_;
  io_uring_buf_ring* buffers_ = nullptr;
  unsigned buffer_count_ = 0;
  unsigned short buffers_head_ = 0;
};

}  // namespace io_test
