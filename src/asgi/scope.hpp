/// ScopeBuilder makes the `scope` of each request and each WebSocket (ASGI www 2.5): a copy of a
/// template, with what the request says put into it. Needs the GIL.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <ringhorn/net/exchange.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/ws/handshake.hpp>

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
  /// The same for a WebSocket. REQUIRES: inside Application::on_web_socket
  py::Ref make_web_socket(net::Exchange& exchange, const ws::Handshake& handshake);

 private:
  /// Those besides GET, which is in the template, the most frequent first.
  static constexpr std::array<std::string_view, 6> usual_methods = {"POST",    "PUT",  "DELETE",
                                                                    "OPTIONS", "HEAD", "PATCH"};
  /// What the scopes of one type begin as: what most of them have, and of the rest what the latest
  /// one had, since the next one often has the same.
  struct Template {
    py::Ref dict;
    py::Ref scheme;         ///< in there: not over TLS
    py::Ref secure_scheme;  ///< over TLS
    /// In there, borrowed: null before the first scope.
    PyObject* asgi = nullptr;
    PyObject* path = nullptr;
    PyObject* client = nullptr;
    PyObject* server = nullptr;
    std::uint64_t asgi_version = 0;  ///< before an application has changed it
  };
  bool fill(Template& of, const py::Ref& type, PyObject* root_path);
  py::Ref make_of(Template& of, net::Exchange& exchange);
  bool prepare_asgi(Template& of);
  bool prepare_path(Template& of, const http::RequestHead& head);
  static bool prepare_item(Template& of, const py::Ref& key, PyObject*& latest, PyObject* value);
  bool add_request_line(PyObject* scope, const http::RequestHead& head);
  py::Ref make_headers(const http::RequestHead& head);
  py::Ref read_headers(const http::RequestHead& head);
  py::Ref make_subprotocols(const ws::Handshake& handshake);
  py::Ref make_method(std::string_view method);
  PyObject* client_of(net::Exchange& exchange);
  PyObject* server_of(const net::Peer& peer);

  Bridge& bridge_;
  Template http_;
  Template web_socket_;
  py::Ref asgi_;
  py::Ref state_;
  py::Ref get_;
  /// Interned, so that an application finds them in its tables at once.
  std::array<py::Ref, usual_methods.size()> methods_;
  py::Ref server_;
  sock::Address server_address_;
};

}  // namespace ringhorn::asgi
