#include "stream.hpp"

#include <utility>
#include <vector>

#include <ringhorn/base/assert.hpp>

#include "core.hpp"
#include "stream_calls.hpp"
#include "types.hpp"

namespace ringhorn::loop {

Stream::Stream(Streams& streams, PyObject* self, PyObject* transport) noexcept
    : streams_(&streams), self_(self), transport_(transport) {
  streams.all_.push_back(*this);
}

Stream::~Stream() {
  RINGHORN_ASSERT(!armed_ && !wanted_);
}

void Stream::start() {
  if (transport_ != nullptr && streams_ != nullptr) {
    want(true);
    settle_soon();
    if (!held_.empty() || held_end_) {
      deliver_soon();
    }
  }
}

void Stream::pause() {
  want(false);
}

void Stream::stop() {
  if (transport_ != nullptr) {
    want(false);
    transport_ = nullptr;
    held_ = {};
    held_end_.reset();
    settle_soon();
  }
}

void Stream::want(bool wanted) {
  if (wanted == wanted_) {
    return;
  }
  wanted_ = wanted;
  if (wanted) {
    Py_INCREF(transport_);
  } else {
    Py_DECREF(transport_);
  }
}

/// Now, or before the next wait when this is not the place to talk to the driver.
void Stream::settle_soon() {
  if (streams_ == nullptr) {
    return;
  }
  Core& core = streams_->core_;
  if (core.in_run() && !core.on_other_thread()) {
    return settle();
  }
  if (!base::ListNode<UnsettledTag>::linked()) {
    streams_->unsettled_.push_back(*this);
  }
  core.wake();
}

/// REQUIRES: this is the thread of the driver
void Stream::settle() {
  if (transport_ == nullptr) {
    if (armed_) {
      receive_->stop();
    }
  } else if (wanted_ && armed_) {
    receive_->start();
  } else if (wanted_ && !held_end_) {
    arm();
  }
}

void Stream::arm() {
  const Core& core = streams_->core_;
  const int fd = core.types().stream_calls().descriptor_of(transport_);
  if (fd < 0) {
    // Somebody has closed the socket behind the transport: it is not heard of again.
    return PyErr_Clear();
  }
  Py_INCREF(self_);
  armed_ = true;
  receive_.emplace(core.driver(), fd, *this);
  receive_->start();
}

/// The receive has ended: the last thing that is done with `this`.
void Stream::disarmed() {
  armed_ = false;
  Py_DECREF(self_);
}

void Stream::on_receive_stopped() {
  disarmed();
}

void Stream::on_received(std::span<char> bytes) {
  if (transport_ == nullptr) {
    return;
  }
  if (!wanted_ || !held_.empty() || !streams_->core_.may_call_protocols()) {
    return hold(bytes);
  }
  Core& core = streams_->core_;
  const py::Ref transport = py::Ref::borrow(transport_);
  const py::Ref context = core.types().stream_calls().context_of(transport.get());
  core.call_protocol(context.get(), [this, &bytes] { return give(bytes); });
  if (!bytes.empty() && transport_ != nullptr) {
    hold(bytes);
  }
}

void Stream::end(int error) {
  const py::Ref self = py::Ref::borrow(self_);
  disarmed();
  if (transport_ == nullptr) {
    return;
  }
  held_end_ = error;
  Core& core = streams_->core_;
  if (!wanted_) {
    return;
  }
  if (!held_.empty() || !core.may_call_protocols()) {
    return deliver_soon();
  }
  const py::Ref transport = py::Ref::borrow(transport_);
  const py::Ref context = core.types().stream_calls().context_of(transport.get());
  core.call_protocol(context.get(), [this] { return tell_end(); });
}

void Stream::hold(std::span<const char> bytes) {
  held_.append(bytes.data(), bytes.size());
  if (wanted_) {
    deliver_soon();
  } else {
    receive_->pause();
  }
}

void Stream::deliver_soon() {
  if (delivery_is_due_) {
    return;
  }
  const StreamCalls& calls = streams_->core_.types().stream_calls();
  const py::Ref transport = py::Ref::borrow(transport_);
  const py::Ref context = calls.context_of(transport.get());
  const py::Ref callback = calls.read_ready_of(transport.get());
  const py::Ref handle =
      callback
          ? py::Ref::steal(streams_->core_.schedule({callback.get(), nullptr, 0, context.get()}))
          : py::Ref();
  delivery_is_due_ = static_cast<bool>(handle);
  if (!handle) {
    PyErr_WriteUnraisable(transport.get());
  }
}

bool Stream::deliver_held() {
  delivery_is_due_ = false;
  std::string held = std::exchange(held_, {});
  std::span<char> bytes(held);
  const bool going = give(bytes);
  if (transport_ == nullptr) {
    return going;
  }
  held_.insert(0, bytes.data(), bytes.size());
  return going && (!wanted_ || !held_.empty() || !held_end_ || tell_end());
}

/// Takes from `bytes` what the protocol gets: all, unless it pauses or fails. False with an
/// exception set that goes out of the loop.
bool Stream::give(std::span<char>& bytes) {
  while (wanted_ && !bytes.empty()) {
    const py::Ref transport = py::Ref::borrow(transport_);
    const std::size_t taken =
        streams_->core_.types().stream_calls().deliver(transport.get(), bytes);
    if (taken == 0) {
      bytes = {};  // it had them
      return false;
    }
    bytes = bytes.subspan(taken);
  }
  return true;
}

/// REQUIRES: wanted
bool Stream::tell_end() {
  const int error = *std::exchange(held_end_, std::nullopt);
  const py::Ref transport = py::Ref::borrow(transport_);
  want(false);
  return streams_->core_.types().stream_calls().end(transport.get(), error);
}

Streams::~Streams() {
  RINGHORN_ASSERT(!in_flight());
  while (Stream* stream = all_.pop_front()) {
    stream->streams_ = nullptr;
  }
}

void Streams::resume() {
  for (Stream* stream = all_.front(); stream != nullptr; stream = all_.after(*stream)) {
    if (stream->wanted_) {
      stream->settle();
    }
  }
}

void Streams::settle() {
  while (Stream* stream = unsettled_.pop_front()) {
    stream->settle();
  }
}

bool Streams::in_flight() noexcept {
  Stream* stream = all_.front();
  while (stream != nullptr && !(stream->receive_ && stream->receive_->in_flight())) {
    stream = all_.after(*stream);
  }
  return stream != nullptr;
}

void Streams::park(io::Driver& driver) {
  for (Stream* stream = all_.front(); stream != nullptr; stream = all_.after(*stream)) {
    if (stream->armed_ && stream->transport_ != nullptr) {
      stream->receive_->pause();
    } else if (stream->armed_) {
      stream->receive_->stop();
    }
  }
  while (in_flight()) {
    driver.wait(io::Driver::forever);
    driver.dispatch();
  }
  for (Stream* stream = all_.front(); stream != nullptr; stream = all_.after(*stream)) {
    if (stream->armed_) {
      // Its transport has it: it is not the last reference that goes.
      RINGHORN_ASSERT(stream->transport_ != nullptr);
      stream->disarmed();
    }
  }
}

void Streams::clear() {
  std::vector<py::Ref> alive;
  for (Stream* stream = all_.front(); stream != nullptr; stream = all_.after(*stream)) {
    // A transport that goes may take others along.
    alive.push_back(py::Ref::borrow(stream->self_));
    alive.push_back(py::Ref::borrow(stream->transport_));
  }
  for (Stream* stream = all_.front(); stream != nullptr; stream = all_.after(*stream)) {
    stream->stop();
  }
}

int Streams::traverse(visitproc visit, void* arg) {
  for (Stream* stream = all_.front(); stream != nullptr; stream = all_.after(*stream)) {
    if (stream->wanted_) {
      Py_VISIT(stream->transport_);
    }
  }
  return 0;
}

}  // namespace ringhorn::loop
