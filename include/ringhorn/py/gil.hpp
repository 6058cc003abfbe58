/// The GIL, by scope. Whoever holds a Ref holds the GIL; only these two give it away or take it.
#pragma once

#include <ringhorn/py/python.hpp>

namespace ringhorn::py {

/// Lets other threads run Python while it lives. REQUIRES: the GIL is held by this thread.
class GilRelease {
 public:
  GilRelease() noexcept : state_(PyEval_SaveThread()) {}
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;
  ~GilRelease() { PyEval_RestoreThread(state_); }

 private:
  PyThreadState* state_;
};

}  // namespace ringhorn::py
