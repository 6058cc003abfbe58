/// Application calls the user's ASGI application for each request and each WebSocket of a worker:
/// builds the scope, makes `receive` and `send`, and begins the call on the loop, as asyncio.Task
/// would (ASGI 3.0, www 2.5). Called by `net`; one per worker, on its thread, with the GIL.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <ringhorn/base/result.hpp>
#include <ringhorn/loop/event_loop.hpp>
#include <ringhorn/net/application.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/telemetry/log.hpp>

namespace ringhorn::asgi {

class Application final : public net::Application {
 public:
  struct Options {
    PyObject* app;    ///< borrowed: the ASGI callable
    PyObject* state;  ///< borrowed: the lifespan's namespace; null without a lifespan
    std::string root_path;
    std::size_t queue_count_max = 32;       ///< messages of a WebSocket that wait for receive() …
    std::size_t queue_bytes_max = 4194304;  ///< … and their bytes; above, it is read no more
  };

  /// On failure the text of the exception. `loop` and `log` must outlive what is returned.
  static base::Result<std::unique_ptr<Application>, std::string> make(loop::EventLoop& loop,
                                                                      telemetry::Log& log,
                                                                      const Options& options);
  ~Application();

  void on_request(net::Exchange& exchange) override;
  void on_web_socket(net::Exchange& exchange, const ws::Handshake& handshake) override;

  /// Has `on_ended` called whenever a call of the application has ended that did not end at once.
  void on_task_ended(std::function<void()> on_ended);
  /// Cancels the tasks of all calls that still run; their end is awaited by running the loop.
  /// Returns how many there were.
  std::size_t cancel_all();
  /// Whether `exception`, which came out of the loop, is what a call has ended with. Then that call
  /// is answered.
  bool ended_with(PyObject* exception) const;
  /// Calls of the application that have not ended (also after their response is complete).
  std::size_t running_count() const noexcept;
  /// Objects of calls that are alive, for the count at exit.
  std::size_t live_count() const noexcept;

 private:
  struct State;
  explicit Application(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace ringhorn::asgi
