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
      client(intern("client")),
      extensions(intern("extensions")),
      headers(intern("headers")),
      http_version(intern("http_version")),
      method(intern("method")),
      more_body(intern("more_body")),
      more_trailers(intern("more_trailers")),
      path(intern("path")),
      query_string(intern("query_string")),
      raw_path(intern("raw_path")),
      root_path(intern("root_path")),
      scheme(intern("scheme")),
      server(intern("server")),
      state(intern("state")),
      status(intern("status")),
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
      empty_bytes(py::Ref::steal(PyBytes_FromStringAndSize(nullptr, 0))),
      add_done_callback(intern("add_done_callback")),
      cancel(intern("cancel")),
      set_result(intern("set_result")) {}

bool Names::complete() const noexcept {
  return PyErr_Occurred() == nullptr;
}

}  // namespace ringhorn::asgi
