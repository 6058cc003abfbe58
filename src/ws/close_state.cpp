#include <ringhorn/ws/close_state.hpp>

#include <ringhorn/ws/message_writer.hpp>

namespace ringhorn::ws {

bool CloseState::close(base::ByteBuffer& out, std::uint16_t code, std::string_view reason) {
  if (state_ != State::open) {
    return false;
  }
  write_close(out, code, reason);
  state_ = State::closing;
  code_ = code;
  reason_ = reason;
  return true;
}

void CloseState::on_close(base::ByteBuffer& out, const CloseFrame& frame) {
  if (state_ == State::open) {
    write_close(out, frame.code, {});
    code_ = frame.code;
    reason_ = frame.reason;
  }
  if (may_read()) {
    state_ = State::closed;
  }
}

void CloseState::fail(base::ByteBuffer& out, const Fault& fault) {
  if (state_ == State::open) {
    write_close(out, fault.code, fault.reason);
    code_ = fault.code;
    reason_ = fault.reason;
  }
  if (may_read()) {
    state_ = State::failed;
  }
}

void CloseState::on_lost() noexcept {
  if (may_read()) {
    state_ = State::lost;
  }
}

}  // namespace ringhorn::ws
