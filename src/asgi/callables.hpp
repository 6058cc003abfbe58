/// The two callables of an application's call: `send`, which holds the Cycle, and `receive`, which
/// holds `send`. Both answer a plain vectorcall and are not tracked by the collector: every request
/// makes one of each. Needs the GIL.
#pragma once

#include <ringhorn/net/exchange.hpp>
#include <ringhorn/py/ref.hpp>

#include "bridge.hpp"
#include "cycle.hpp"

namespace ringhorn::asgi {

/// The heap types; null with an exception set on failure.
PyObject* make_send_type();
PyObject* make_web_socket_send_type();
PyObject* make_receive_type();

/// A new `send` with its cycle, attached to `exchange`; null with an exception set on failure.
PyObject* make_send(Bridge& bridge, net::Exchange& exchange);
/// The same for a WebSocket that `exchange` asks for.
PyObject* make_web_socket_send(Bridge& bridge, net::Exchange& exchange);
/// The `receive` beside it.
PyObject* make_receive(Bridge& bridge, PyObject* send);
/// The cycle inside a `send`, alive as long as that is.
Cycle& cycle_of(PyObject* send) noexcept;

}  // namespace ringhorn::asgi
