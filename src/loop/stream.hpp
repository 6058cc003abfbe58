/// Stream is the receiving side of a socket transport: an io::Receive that stays armed from one
/// piece of data to the next, and what it means to pause, to close, and to run a loop twice. The
/// Python object around it, StreamObject, is held by its transport (event_loop.py); Streams knows
/// all those of one loop. It writes nothing. Needs the GIL.
///
/// Theory. Data goes to the protocol straight out of the driver's dispatch(), from the driver's own
/// memory. Where that cannot be (reading is paused, the loop does not run, is in debug mode, or an
/// exception is on its way out of it), bytes are *held*, and a callback of the loop delivers them
/// when reading is wanted. A pause alone tells the kernel nothing, since most pauses are over
/// before anything comes: the first bytes that do come while nobody wants them end the receiving.
///
/// Who keeps whom: the transport owns its Stream. While reading is wanted the loop owns a reference
/// to the transport, as a selector's would. A Stream whose receive was armed owns itself until the
/// receive has ended; stop() makes it forget its transport, and lets the descriptor be closed.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/io/receive.hpp>
#include <ringhorn/py/ref.hpp>

namespace ringhorn::loop {

class Core;
class Streams;

/// All streams of a loop; those for which something has to be started or stopped.
struct StreamTag;
struct UnsettledTag;

class Stream final : public io::ReceiveHandler,
                     public base::ListNode<StreamTag>,
                     public base::ListNode<UnsettledTag> {
 public:
  /// `self` is the Python object around it; `transport`, which will hold that, is borrowed.
  Stream(Streams& streams, PyObject* self, PyObject* transport) noexcept;
  /// REQUIRES: nothing is in flight
  ~Stream();

  /// Data is wanted, from now on or again. Does nothing after stop().
  void start();
  /// No data is wanted for now: none is delivered until start().
  void pause();
  /// No data is wanted any more; the descriptor may be closed.
  void stop();
  /// What was held goes to the protocol, as far as that wants it. False with an exception set.
  bool deliver_held();
  bool reading() const noexcept { return wanted_; }

 private:
  friend class Streams;
  void on_received(std::span<char> bytes) override;
  void on_receive_end() override { end(0); }
  void on_receive_error(int error) override { end(error); }
  void on_receive_stopped() override;

  void want(bool wanted);
  void settle();
  void settle_soon();
  void arm();
  void disarmed();
  void end(int error);
  void hold(std::span<const char> bytes);
  void deliver_soon();
  bool give(std::span<char>& bytes);
  bool tell_end();

  Streams* streams_;  ///< null once the loop is gone
  PyObject* self_;
  PyObject* transport_;  ///< borrowed; null after stop()
  std::optional<io::Receive> receive_;
  std::string held_;
  std::optional<int> held_end_;   ///< 0 for the end of the stream, or an errno
  bool wanted_ = false;           ///< the loop owns a reference to the transport
  bool armed_ = false;            ///< owns itself: the receive may be in flight
  bool delivery_is_due_ = false;  ///< a callback of the loop will deliver what is held
};

class Streams {
 public:
  explicit Streams(Core& core) noexcept : core_(core) {}
  /// REQUIRES: nothing is in flight
  ~Streams();

  /// Starts receiving wherever that is wanted: a run begins.
  void resume();
  /// Starts and stops what could not be when it was asked for.
  void settle();
  /// Ends all receiving until resume(); what comes meanwhile is held. Handlers of the driver may
  /// run.
  void park(io::Driver& driver);
  /// Stops all streams: their loop is closed.
  void clear();
  int traverse(visitproc visit, void* arg);

 private:
  friend class Stream;
  bool in_flight() noexcept;

  Core& core_;
  base::IntrusiveList<Stream, StreamTag> all_;
  base::IntrusiveList<Stream, UnsettledTag> unsettled_;
};

/// The Python object: `start()`, `pause()`, `stop()`, `reading`.
struct StreamObject {
  PyObject_HEAD Stream stream;
};

/// REQUIRES: `object` is a StreamObject
inline Stream& stream_of(PyObject* object) noexcept {
  return reinterpret_cast<StreamObject*>(object)->stream;
}

/// That of a new transport; null with an exception set on failure.
PyObject* make_stream(Core& core, Streams& streams, PyObject* transport);
/// The type; null with an exception set on failure.
PyObject* make_stream_type();

}  // namespace ringhorn::loop
