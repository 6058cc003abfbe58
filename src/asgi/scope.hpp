/// ScopeBuilder makes the `scope` of each request and each WebSocket (ASGI www 2.5): a copy of a
/// template, with what the request says put into it. A scope that its application has neither kept
/// nor changed serves the next request, too, and only what that says otherwise is put into it.
/// Needs the GIL.
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
  /// The application was called with the latest scope. Whatever it has kept or changed is its own.
  /// REQUIRES: the caller has let go of the scope
  void settle() noexcept;

 private:
  /// Those besides GET, which is in the template, the most frequent first.
  static constexpr std::array<std::string_view, 6> usual_methods = {"POST",    "PUT",  "DELETE",
                                                                    "OPTIONS", "HEAD", "PATCH"};
  /// A dict with a scope's keys, and those of its values that the next scope often has, too:
  /// borrowed from the dict, null before they are in there.
  struct Items {
    py::Ref dict;
    PyObject* asgi = nullptr;
    PyObject* path = nullptr;
    PyObject* client = nullptr;
    PyObject* server = nullptr;
    PyObject* method = nullptr;
  };
  /// What the scopes of one type begin as: what most of them have, and of the rest what the latest
  /// one had.
  struct Template : Items {
    py::Ref scheme;                  ///< in there: not over TLS
    py::Ref secure_scheme;           ///< over TLS
    std::uint64_t asgi_version = 0;  ///< before an application has changed it
  };
  /// The latest scope, while it may serve again. The versions are those that the application got.
  struct Latest : Items {
    PyObject* headers = nullptr;
    PyObject* state = nullptr;
    bool has_query = false;
    py::Ref section;  ///< what `headers` is a copy of
    std::uint64_t version = 0;
    std::uint64_t state_version = 0;
    std::uint64_t lifespan_version = 0;  ///< of `state_`, which `state` is a copy of
  };
  bool fill(Template& of, const py::Ref& type, PyObject* root_path);
  py::Ref make_once(Template& of, net::Exchange& exchange, const net::Peer& peer);
  bool write_latest(Template& of, net::Exchange& exchange, const net::Peer& peer);
  bool prepare(Items& items, net::Exchange& exchange, const net::Peer& peer);
  bool prepare_asgi(Template& of);
  bool prepare_path(Items& items, const http::RequestHead& head);
  bool prepare_query(const http::RequestHead& head);
  bool prepare_state();
  bool prepare_headers(const http::RequestHead& head);
  static bool prepare_item(Items& items, const py::Ref& key, PyObject*& latest, PyObject* value);
  bool latest_is_untouched() const noexcept;
  py::Ref make_headers(const http::RequestHead& head);
  py::Ref read_headers(const http::RequestHead& head);
  py::Ref make_subprotocols(const ws::Handshake& handshake);
  PyObject* usual_method(std::string_view method) const noexcept;
  PyObject* client_of(net::Exchange& exchange);
  PyObject* server_of(const net::Peer& peer);

  Bridge& bridge_;
  Template http_;
  Template web_socket_;
  Latest latest_;
  py::Ref asgi_;
  py::Ref state_;
  py::Ref get_;
  /// Interned, so that an application finds them in its tables at once.
  std::array<py::Ref, usual_methods.size()> methods_;
  py::Ref server_;
  sock::Address server_address_;
};

}  // namespace ringhorn::asgi
