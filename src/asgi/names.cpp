#include "names.hpp"

namespace ringhorn::asgi {

namespace {
py::Ref intern(const char* text) {
  return py::Ref::steal(PyUnicode_InternFromString(text));
}
}  // namespace

Names::Names()
    : asgi(intern("asgi")),
      body(intern("body")),
      bytes(intern("bytes")),
      client(intern("client")),
      code(intern("code")),
      extensions(intern("extensions")),
      headers(intern("headers")),
      http_version(intern("http_version")),
      method(intern("method")),
      more_body(intern("more_body")),
      more_trailers(intern("more_trailers")),
      path(intern("path")),
      query_string(intern("query_string")),
      raw_path(intern("raw_path")),
      reason(intern("reason")),
      root_path(intern("root_path")),
      scheme(intern("scheme")),
      server(intern("server")),
      state(intern("state")),
      status(intern("status")),
      subprotocol(intern("subprotocol")),
      subprotocols(intern("subprotocols")),
      text(intern("text")),
      trailers(intern("trailers")),
      type(intern("type")),
      http(intern("http")),
      https(intern("https")),
      http_1_0(intern("1.0")),
      http_1_1(intern("1.1")),
      http_request(intern("http.request")),
      http_disconnect(intern("http.disconnect")),
      response_start(intern("http.response.start")),
      response_body(intern("http.response.body")),
      response_trailers(intern("http.response.trailers")),
      empty_text(intern("")),
      empty_bytes(py::Ref::steal(PyBytes_FromStringAndSize(nullptr, 0))),
      websocket(intern("websocket")),
      ws(intern("ws")),
      wss(intern("wss")),
      websocket_connect(intern("websocket.connect")),
      websocket_receive(intern("websocket.receive")),
      websocket_disconnect(intern("websocket.disconnect")),
      websocket_accept(intern("websocket.accept")),
      websocket_send(intern("websocket.send")),
      websocket_close(intern("websocket.close")),
      denial(intern("websocket.http.response")),
      denial_start(intern("websocket.http.response.start")),
      denial_body(intern("websocket.http.response.body")),
      cancel(intern("cancel")) {}

bool Names::complete() const noexcept {
  return PyErr_Occurred() == nullptr;
}

}  // namespace ringhorn::asgi
