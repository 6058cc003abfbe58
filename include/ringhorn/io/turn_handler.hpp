/// TurnHandler is an event loop of somebody else's that runs a driver's turns between its own: it
/// is told when one is due. A loop that waits in the driver has no need of it. One thread.
#pragma once

namespace ringhorn::io {

class TurnHandler {
 public:
  /// Something was started, stopped, armed or queued that only a turn brings to the kernel. May be
  /// called any number of times before that turn, and in the middle of one.
  virtual void on_turn_due() = 0;

 protected:
  ~TurnHandler() = default;
};

}  // namespace ringhorn::io
