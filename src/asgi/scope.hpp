/// ScopeBuilder makes the `scope` of each HTTP request (ASGI www 2.4): a copy of a template, with
/// what the request says put into it. Needs the GIL.
#pragma once

#include <ringhorn/net/exchange.hpp>
#include <ringhorn/py/ref.hpp>

#include "bridge.hpp"

namespace ringhorn::asgi {

class ScopeBuilder {
 public:
  explicit ScopeBuilder(Bridge& bridge) : bridge_(bridge) {}

  /// `state`: the lifespan's namespace, or null when the application has no lifespan. False with an
  /// exception set on failure.
  bool prepare(PyObject* state, const std::string& root_path);
  /// A new scope. REQUIRES: inside Application::on_request. Null with an exception set on failure.
  py::Ref make(net::Exchange& exchange);

 private:
  bool add_request_line(PyObject* scope, const http::RequestHead& head);
  bool add_peer(PyObject* scope, net::Exchange& exchange, PyObject* server);
  bool add_shared(PyObject* scope, const http::RequestHead& head);
  py::Ref make_headers(const http::RequestHead& head);
  py::Ref make_method(std::string_view method);
  PyObject* client_of(net::Exchange& exchange);
  PyObject* server_of(const net::Peer& peer);

  Bridge& bridge_;
  py::Ref template_;
  py::Ref asgi_;
  py::Ref state_;
  py::Ref get_;
  py::Ref server_;
  py::Ref template_server_;  ///< what a copy of the template has already
  sock::Address server_address_;
};

}  // namespace ringhorn::asgi
