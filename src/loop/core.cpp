// The turn of a loop: what runs when, and when the GIL is let go.
#include "core.hpp"

#include <string>
#include <utility>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/io/backend.hpp>
#include <ringhorn/py/error.hpp>
#include <ringhorn/py/gil.hpp>

#include "types.hpp"

namespace ringhorn::loop {

using telemetry::LoopPhase;

namespace {

/// How long a busy loop may go on without a look for threads that want the GIL: well below
/// CPython's switch interval (5 ms), after which they ask for it.
constexpr base::Nanoseconds gil_held_ns_max = base::ns_per_ms;

/// For a program of its own: few connections, large pieces.
constexpr io::UringSettings own_ring{.queue_entries = 256, .receive_buffer_count = 64};

}  // namespace

Core::Core(PyObject* self, py::Ref types) noexcept
    : self_(self),
      types_owner_(std::move(types)),
      types_(Types::of(types_owner_)),
      watches_(came_in_) {}

Core::~Core() {
  RINGHORN_ASSERT(ready_.empty() && came_in_.empty() && newcomers_.empty() && armed_.empty() &&
                  !in_run());
}

bool Core::run() {
  RINGHORN_ASSERT(!in_run());
  if (!set_up()) {
    return false;
  }
  bool going = true;
  do {
    going = turn();
  } while (going && !stopping);
  tear_down();
  return going;
}

bool Core::set_up() {
  if (attached_driver_ == nullptr) {
    auto made = io::make_driver(io::Backend::automatic, own_ring);
    if (!made) {
      PyErr_SetString(PyExc_OSError, made.error().c_str());
      return false;
    }
    own_driver_ = std::move(made.value().driver);
  }
  running_driver_ = attached_driver_ != nullptr ? attached_driver_ : own_driver_.get();
  gil_offered_ns_ = running_driver_->now_ns();
  streams_.resume();
  calling_ = true;
  return true;
}

void Core::tear_down() {
  calling_ = false;
  going_on_ = 0;
  // Handlers that end here may drop objects, whose finalisers must not meet what came out of a
  // callback.
  py::Ref exception = py::fetch_exception();
  running_driver_->timers().disarm(alarm_);
  streams_.settle();
  if (own_driver_) {
    streams_.park(*own_driver_);
    watches_.park(*own_driver_);
  } else {
    // What was queued in the last turn leaves now: nobody knows when the next run is.
    watches_.stop_removed();
    running_driver_->flush();
    running_driver_->wait(0);
  }
  running_driver_ = nullptr;
  own_driver_.reset();
  if (exception) {
    py::raise(std::move(exception));
  }
}

/// In asyncio's order: those that were ready before, what has come in, the timers that are due; and
/// what these make ready waits its turn. Who came later must not overtake who waits: a queue whose
/// newcomers are served first starves the others. So who begins does it between those that go on
/// because of what others did, such as the release of what they wait for, and those that go on
/// because of what has come in, and will release something. Where nobody waited, the next round
/// runs at once: there is nobody to be fair to, and a look at the kernel between the two would be a
/// call in vain. A timer that is armed in a turn is not due in it, however long that takes.
bool Core::turn() {
  end_if_forked();
  io::Driver& driver = *running_driver_;
  watches_.stop_removed();
  watches_.arm(driver);
  streams_.settle();
  driver.flush();
  if (!wait()) {
    return false;
  }
  const bool nobody_waited = ready_.empty() && newcomers_.empty();
  base::Nanoseconds begin_ns = nobody_waited ? 0 : base::monotonic_ns();
  const std::size_t woken_count = ready_.size() - going_on_;
  if (!run(ready_, going_on_) || !run(newcomers_, newcomers_.size()) || !run(ready_, woken_count)) {
    return false;
  }
  going_on_ = ready_.size();
  driver.dispatch();
  if (nobody_waited) {
    begin_ns = driver.now_ns();
  }
  RINGHORN_ASSERT(PyErr_Occurred() == nullptr);
  if (failure_) {
    py::raise(std::exchange(failure_, py::Ref()));
    return false;
  }
  if (timers_.next_deadline_ns() <= begin_ns) {
    timers_.expire(begin_ns);
  }
  if (!run(came_in_, came_in_.size())) {
    return false;
  }
  if (nobody_waited && !stopping) {
    const bool going = run(ready_, ready_.size());
    going_on_ = ready_.size();
    return going;
  }
  return true;
}

bool Core::wait() {
  io::Driver& driver = *running_driver_;
  // A signal that came while Python ran last would not break the wait.
  if (!has_work() && PyErr_CheckSignals() < 0) {
    return false;
  }
  // What is submitted often ends at once (a send into an empty socket buffer): then there is no
  // wait, and no reason to give the GIL away and to take it back.
  if (has_work() || driver.expects_answers()) {
    driver.wait(0);
  }
  if (has_work()) {
    return let_others_run();
  }
  set_alarm();
  waiting_ = true;
  {
    const py::GilRelease released;
    note(LoopPhase::waiting);
    driver.wait(io::Driver::forever);
    note(LoopPhase::taking_gil);
  }
  note(LoopPhase::turning);
  waiting_ = false;
  gil_offered_ns_ = driver.now_ns();
  return PyErr_CheckSignals() == 0;
}

bool Core::has_work() const noexcept {
  return !ready_.empty() || !came_in_.empty() || !newcomers_.empty() || stopping ||
         running_driver_->has_completions();
}

void Core::set_alarm() {
  io::TimerQueue& timers = running_driver_->timers();
  const base::Nanoseconds next_ns = timers_.next_deadline_ns();
  if (next_ns == io::TimerQueue::never) {
    timers.disarm(alarm_);
  } else if (!alarm_.armed() || alarm_.deadline_ns() != next_ns) {
    timers.arm(alarm_, next_ns);
  }
}

/// A thread that wants the GIL asks for it once it has waited for the switch interval. Python code
/// hears that, native code does not: so a busy loop runs a little of the former now and then. To
/// release the GIL without having been asked would give it to nobody: it is taken back before a
/// thread can wake up, whose time of waiting begins anew. False with an exception set when a
/// signal's handler has raised it.
bool Core::let_others_run() {
  const base::Nanoseconds now_ns = running_driver_->now_ns();
  if (now_ns - gil_offered_ns_ < gil_held_ns_max) {
    return true;
  }
  gil_offered_ns_ = now_ns;
  note(LoopPhase::taking_gil);
  const py::Ref done = py::Ref::steal(PyObject_CallNoArgs(types_.give_way.get()));
  note(LoopPhase::turning);
  return static_cast<bool>(done);
}

void Core::note_phase(std::atomic<LoopPhase>& where) noexcept {
  phase_ = &where;
  note(LoopPhase::turning);
}

void Core::note(LoopPhase phase) const noexcept {
  if (phase_ != nullptr) {
    phase_->store(phase, std::memory_order_relaxed);
  }
}

void Core::wake() noexcept {
  if (waiting_) {
    running_driver_->wake();
  }
}

/// The first `count` of `queue`: what they put there waits for the next time.
bool Core::run(ReadyQueue& queue, std::size_t count) {
  for (std::size_t left = count; left > 0; --left) {
    HandleObject* handle = queue.pop();
    const py::Ref owned = py::Ref::steal(as_object(handle));
    if (!handle->cancelled && !run_handle(*handle)) {
      return false;
    }
  }
  return true;
}

bool Core::run_handle(HandleObject& handle) {
  if (debug) {
    return run_handle_watched(handle);
  }
  const bool nested = std::exchange(in_callback_, true);
  PyObject* result = call_handle(handle);
  end_if_forked();
  in_callback_ = nested;
  Py_XDECREF(result);
  return result != nullptr || report(handle);
}

/// In debug mode: a callback that takes long is logged.
bool Core::run_handle_watched(HandleObject& handle) {
  const bool nested = std::exchange(in_callback_, true);
  current_handle = py::Ref::borrow(as_object(&handle));
  const base::Nanoseconds start_ns = base::monotonic_ns();
  const py::Ref result = py::Ref::steal(call_handle(handle));
  end_if_forked();
  bool going = result || report(handle);
  const double seconds =
      static_cast<double>(base::monotonic_ns() - start_ns) / static_cast<double>(base::ns_per_s);
  if (going) {
    going = static_cast<bool>(py::Ref::steal(PyObject_CallFunction(
        types_.report_slow.get(), "OOd", self_, as_object(&handle), seconds)));
  }
  current_handle.reset();
  in_callback_ = nested;
  return going;
}

/// The pending exception goes to the loop's exception handler. False with an exception set when
/// it is one that ends the program, or when one came out of the exception handler.
bool Core::report(HandleObject& handle) {
  if (py::ends_program(PyErr_Occurred())) {
    return false;
  }
  const py::Ref exception = py::fetch_exception();
  PyObject* arguments[] = {self_, as_object(&handle), exception.get()};
  const bool nested = std::exchange(in_callback_, true);
  const py::Ref done =
      py::Ref::steal(PyObject_Vectorcall(types_.report_failure.get(), arguments, 3, nullptr));
  in_callback_ = nested;
  return static_cast<bool>(done);
}

/// The pending exception goes out of the run, if it is one that ends the program.
void Core::keep_failure() {
  if (py::ends_program(PyErr_Occurred())) {
    failure_ = py::fetch_exception();
  } else {
    PyErr_WriteUnraisable(self_);
  }
}

void Core::detach() {
  if (attached_driver_ != nullptr) {
    streams_.park(*attached_driver_);
    watches_.park(*attached_driver_);
    attached_driver_ = nullptr;
  }
}

void Core::clear() {
  RINGHORN_ASSERT(!in_run());
  for (ReadyQueue* queue : {&ready_, &came_in_, &newcomers_}) {
    while (!queue->empty()) {
      Py_DECREF(as_object(queue->pop()));
    }
  }
  while (HandleTimer* timer = armed_.front()) {
    disarm(*timer);
  }
  streams_.clear();
  watches_.clear();
  submit_stops();
  current_handle.reset();
  task_options_.reset();
}

int Core::traverse(visitproc visit, void* arg) {
  for (ReadyQueue* queue : {&ready_, &came_in_, &newcomers_}) {
    for (std::size_t i = 0; i < queue->size(); ++i) {
      Py_VISIT(queue->peek(i));
    }
  }
  for (HandleTimer* timer = armed_.front(); timer != nullptr; timer = armed_.after(*timer)) {
    Py_VISIT(&timer->owner());
  }
  Py_VISIT(current_handle.get());
  Py_VISIT(captured_step_.get());
  Py_VISIT(task_options_.get());
  Py_VISIT(failure_.get());
  const int stop = streams_.traverse(visit, arg);
  return stop != 0 ? stop : watches_.traverse(visit, arg);
}

}  // namespace ringhorn::loop
