/// Running marks that a protocol's reading loop is on the stack, also when memory runs out inside
/// it: who is called from there only notes what is to be done.
#pragma once

namespace ringhorn::net {

class Running {
 public:
  explicit Running(bool& flag) noexcept : flag_(&flag) { *flag_ = true; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { *flag_ = false; }

 private:
  bool* flag_;
};

}  // namespace ringhorn::net
