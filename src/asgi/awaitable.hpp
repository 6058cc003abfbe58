/// Awaitable is what receive() and send() return: it finishes without yielding when there is
/// nothing to wait for, and otherwise waits in the parking of its cycle (loop/parking.hpp). It has
/// everything that a coroutine has (send, throw, close, __await__), since applications hand it to
/// create_task, wait_for and task groups.
#pragma once

#include <cstdint>

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/py/ref.hpp>

namespace ringhorn::asgi {

struct Bridge;
class Cycle;

struct WaitTag;

class Awaitable : public base::ListNode<WaitTag> {
 public:
  enum class Kind : std::uint8_t {
    ready,     ///< shared and stateless: None at once, however often it is awaited
    receive,   ///< the next event of a cycle
    writable,  ///< the moment when a cycle's output has fallen
  };

  /// The heap type; null with an exception set on failure.
  static PyObject* make_type();

  static PyObject* make_ready(Bridge& bridge);
  /// Waits for `cycle`: for a message, or for its output to fall. `owner` keeps the cycle alive.
  static PyObject* make_wait(Bridge& bridge, Kind kind, PyObject* owner, Cycle& cycle);

  /// Lets the waiting task look again.
  void wake();

  // What the type's slots call. `step` runs until something must be yielded, which it returns, or
  // until the end: then `*result` is what the awaiter gets, or null with an exception set.
  PyObject* step(PyObject** result);
  void finish() noexcept;
  ~Awaitable() { finish(); }

 private:
  Awaitable(Kind kind, py::Ref owner, Cycle* cycle) noexcept
      : kind_(kind), owner_(std::move(owner)), cycle_(cycle) {}
  friend struct AwaitableObject;

  PyObject* poll();
  bool start_wait();

  Kind kind_;
  bool yielded_ = false;
  bool finished_ = false;
  bool woken_ = false;
  py::Ref owner_;   ///< keeps the cycle alive
  py::Ref future_;  ///< while it waits
  Cycle* cycle_;
};

}  // namespace ringhorn::asgi
