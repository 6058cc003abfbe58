/// Operation is one request to the kernel that its owner keeps alive until it has ended: accept,
/// receive, send, poll. The owner embeds it; nothing here allocates. One thread only.
///
/// Rules that hold for every operation:
///  * A handler runs only inside Driver::dispatch(), never inside a call that starts or stops.
///  * `in_flight()` says that the kernel (or the backend) still knows the object's address. It must
///    not be destroyed before that is false; the destructor asserts it.
///  * `stop()` asks for the end; the end arrives as the operation's `*_stopped` callback out of a
///    later dispatch, also when the operation ended by itself in between. A handler may destroy the
///    operation's owner in that last callback.
#pragma once

#include <cstdint>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::io {

class Driver;

class Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  bool in_flight() const noexcept { return in_flight_; }

 protected:
  explicit Operation(Driver& driver) noexcept : driver_(&driver) {}
  ~Operation() { RINGHORN_ASSERT(!in_flight_); }

  Driver* driver_;
  bool in_flight_ = false;
  bool stopping_ = false;

 private:
  friend class Driver;
};

}  // namespace ringhorn::io
