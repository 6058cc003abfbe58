/// Bridge is what every request of a worker shares on its way into Python: the interned names, the
/// native types, the caches, the loop, the log. One per Application; needs the GIL.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include <ringhorn/base/intrusive_list.hpp>
#include <ringhorn/loop/event_loop.hpp>
#include <ringhorn/py/error.hpp>
#include <ringhorn/py/forked.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/telemetry/log.hpp>

#include "header_cache.hpp"
#include "names.hpp"
#include "target_cache.hpp"

namespace ringhorn::asgi {

class Cycle;
struct CycleTag;

struct Bridge {
  Bridge(loop::EventLoop& event_loop, telemetry::Log& server_log, std::string root_path);
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;
  /// Objects that the application kept beyond the end are told that the server is gone.
  ~Bridge();

  /// Makes the native types; false with an exception set on failure.
  bool prepare();
  /// Makes the templates of the messages.
  bool prepare_messages();
  /// What send() raised after the client had left, or what a framework made of it (Starlette raises
  /// its own ClientDisconnect): no failure of the application (ASGI www 2.4).
  bool is_disconnect(PyObject* exception) const;
  /// Python code of the application has forked, and this is the child: it ends, with `exception` if
  /// that is not null.
  void end_if_forked(PyObject* exception = nullptr) const {
    if (loop.driver().inherited()) {
      if (exception != nullptr) {
        py::raise(py::Ref::borrow(exception));
      }
      py::end_forked_child();
    }
  }
  /// A task that ends with this was ended by the shutdown, which is no failure of the application.
  bool is_cancelled_by_us(PyObject* exception) const;

  loop::EventLoop& loop;
  telemetry::Log& log;
  Names names;
  HeaderCache headers;
  TargetCache targets;
  py::Ref send_type, web_socket_send_type, receive_type, awaitable_type;
  py::Ref disconnect_error;               ///< ringhorn.ClientDisconnected, an OSError
  py::Ref ready;                          ///< the awaitable of every send() that need not wait
  py::Ref empty_request;                  ///< template of the http.request event without a body
  py::Ref disconnect_message;             ///< template of http.disconnect
  py::Ref connect_message;                ///< template of websocket.connect
  py::Ref text_message;                   ///< template of websocket.receive with a text …
  py::Ref bytes_message;                  ///< … and with bytes
  std::size_t queue_count_max = 32;       ///< received messages that wait for one application call
  std::size_t queue_bytes_max = 4194304;  ///< … and their bytes
  base::IntrusiveList<Cycle, CycleTag> cycles;
  std::size_t cycle_count = 0;
  std::function<void()> on_task_ended;
  bool cancelling = false;  ///< the shutdown has cancelled the tasks that were left
};

}  // namespace ringhorn::asgi
