/// Names are the Python strings that every request needs, interned once per worker: dict look-ups
/// with them compare pointers. Held by the Application; needs the GIL.
#pragma once

#include <ringhorn/py/ref.hpp>

namespace ringhorn::asgi {

struct Names {
  /// Empty members mean that memory ran out (an exception is set).
  Names();
  bool complete() const noexcept;

  // keys of scopes and messages
  py::Ref asgi, body, bytes, client, code, extensions, headers, http_version, method, more_body,
      more_trailers, path, query_string, raw_path, reason, root_path, scheme, server, state, status,
      subprotocol, subprotocols, text, trailers, type;
  // values of scopes and messages
  py::Ref http, https, http_1_0, http_1_1, http_request, http_disconnect, response_start,
      response_body, response_trailers, empty_text, empty_bytes;
  py::Ref websocket, ws, wss, websocket_connect, websocket_receive, websocket_disconnect,
      websocket_accept, websocket_send, websocket_close, denial, denial_start, denial_body;
  // methods
  py::Ref cancel;
};

}  // namespace ringhorn::asgi
