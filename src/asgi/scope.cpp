#include "scope.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <ringhorn/py/bytes.hpp>
#include <ringhorn/py/dict.hpp>

namespace ringhorn::asgi {

namespace {

bool set(PyObject* dict, const py::Ref& key, PyObject* value) {
  return value != nullptr && PyDict_SetItem(dict, key.get(), value) == 0;
}

/// (host, port), [path, None] as a tuple for a Unix socket, or None.
PyObject* make_address(const sock::Address& address) {
  switch (address.family) {
    case sock::Address::Family::ipv4:
    case sock::Address::Family::ipv6:
      return Py_BuildValue("(s#i)", address.host.data(),
                           static_cast<Py_ssize_t>(address.host.size()), int{address.port});
    case sock::Address::Family::unix_path:
      if (address.host.empty()) {
        break;  // the client's end has no name
      }
      return Py_BuildValue("(s#O)", address.host.data(),
                           static_cast<Py_ssize_t>(address.host.size()), Py_None);
    case sock::Address::Family::none:
      break;
  }
  return Py_NewRef(Py_None);
}

/// ASGI wants the method in upper case; HTTP methods that are not are none that HTTP defines.
py::Ref make_method(std::string_view method) {
  const py::Ref sent = py::Ref::steal(
      PyUnicode_DecodeASCII(method.data(), static_cast<Py_ssize_t>(method.size()), nullptr));
  return sent ? py::Ref::steal(PyObject_CallMethod(sent.get(), "upper", nullptr)) : py::Ref();
}

std::span<PyObject* const> items_of(PyObject* list) noexcept {
  return {PySequence_Fast_ITEMS(list), static_cast<std::size_t>(PyList_GET_SIZE(list))};
}

/// Whether nobody else has `dict`, and it is what it was when its version was this.
bool is_own(PyObject* dict, std::uint64_t version, Py_ssize_t owners = 1) noexcept {
  return Py_REFCNT(dict) == owners && py::dict_version(dict) == version;
}

}  // namespace

bool ScopeBuilder::prepare(PyObject* state, const std::string& root_path) {
  const Names& names = bridge_.names;
  asgi_ = py::Ref::steal(Py_BuildValue("{ssss}", "version", "3.0", "spec_version", "2.5"));
  get_ = py::Ref::steal(PyUnicode_InternFromString("GET"));
  for (std::size_t index = 0; index < usual_methods.size(); ++index) {
    methods_[index] = py::Ref::steal(PyUnicode_InternFromString(usual_methods[index].data()));
    if (!methods_[index]) {
      return false;
    }
  }
  state_ = py::Ref::borrow(state);
  const py::Ref root = py::Ref::steal(PyUnicode_DecodeFSDefault(root_path.c_str()));
  if (!asgi_ || !get_ || !root) {
    return false;
  }
  http_.scheme = names.http;
  http_.secure_scheme = names.https;
  web_socket_.scheme = names.ws;
  web_socket_.secure_scheme = names.wss;
  http_.method = get_.get();
  return fill(http_, names.http, root.get()) && set(http_.dict.get(), names.method, get_.get()) &&
         fill(web_socket_, names.websocket, root.get()) &&
         set(web_socket_.dict.get(), names.subprotocols, Py_None) &&
         set(web_socket_.dict.get(), names.extensions, Py_None);
}

/// Every key is there from the start, so that filling a copy never grows it.
bool ScopeBuilder::fill(Template& of, const py::Ref& type, PyObject* root_path) {
  const Names& names = bridge_.names;
  of.dict = py::Ref::steal(PyDict_New());
  PyObject* scope = of.dict.get();
  return scope != nullptr && set(scope, names.type, type.get()) &&
         set(scope, names.asgi, Py_None) && set(scope, names.http_version, names.http_1_1.get()) &&
         set(scope, names.server, Py_None) && set(scope, names.client, Py_None) &&
         set(scope, names.scheme, of.scheme.get()) && set(scope, names.root_path, root_path) &&
         set(scope, names.path, Py_None) && set(scope, names.raw_path, Py_None) &&
         set(scope, names.query_string, names.empty_bytes.get()) &&
         set(scope, names.headers, Py_None) && (!state_ || set(scope, names.state, Py_None));
}

py::Ref ScopeBuilder::make(net::Exchange& exchange) {
  const Names& names = bridge_.names;
  const http::RequestHead& head = exchange.head();
  const net::Peer peer = exchange.peer();
  PyObject* const method = usual_method(head.method);
  if (method != nullptr && head.version == http::Version::http_1_1 && !head.accepts_trailers &&
      head.attachment != nullptr && !peer.secure) {
    if (!write_latest(http_, exchange, peer) ||
        !prepare_item(latest_, names.method, latest_.method, method)) {
      latest_ = {};
      return {};
    }
    latest_.version = py::dict_version(latest_.dict.get());
    return latest_.dict;
  }
  py::Ref scope = make_once(http_, exchange, peer);
  const py::Ref sent = method != nullptr ? py::Ref::borrow(method) : make_method(head.method);
  if (!scope || (sent.get() != http_.method && !set(scope.get(), names.method, sent.get()))) {
    return {};
  }
  if (head.accepts_trailers) {
    const py::Ref extensions =
        py::Ref::steal(Py_BuildValue("{O{}}", names.response_trailers.get()));
    if (!set(scope.get(), names.extensions, extensions.get())) {
      return {};
    }
  }
  return scope;
}

py::Ref ScopeBuilder::make_web_socket(net::Exchange& exchange, const ws::Handshake& handshake) {
  const Names& names = bridge_.names;
  py::Ref scope = make_once(web_socket_, exchange, exchange.peer());
  const py::Ref extensions =
      scope ? py::Ref::steal(Py_BuildValue("{O{}}", names.denial.get())) : py::Ref();
  if (!set(scope.get(), names.extensions, extensions.get()) ||
      !set(scope.get(), names.subprotocols, make_subprotocols(handshake).get())) {
    return {};
  }
  return scope;
}

/// A scope that does not serve again.
py::Ref ScopeBuilder::make_once(Template& of, net::Exchange& exchange, const net::Peer& peer) {
  const Names& names = bridge_.names;
  latest_ = {};
  const bool written = write_latest(of, exchange, peer);
  py::Ref scope = std::exchange(latest_, {}).dict;
  if (!written ||
      (exchange.head().version != http::Version::http_1_1 &&
       !set(scope.get(), names.http_version, names.http_1_0.get())) ||
      (peer.secure && !set(scope.get(), names.scheme, of.secure_scheme.get()))) {
    return {};
  }
  return scope;
}

/// Makes the latest scope one of `exchange`: the one that is there, or a new one.
bool ScopeBuilder::write_latest(Template& of, net::Exchange& exchange, const net::Peer& peer) {
  const http::RequestHead& head = exchange.head();
  if (latest_.dict) {
    if (!prepare(latest_, exchange, peer)) {
      return false;
    }
  } else {
    if (!prepare_asgi(of) || !prepare(of, exchange, peer)) {
      return false;
    }
    static_cast<Items&>(latest_) = of;
    latest_.dict = py::Ref::steal(PyDict_Copy(of.dict.get()));
    if (!latest_.dict) {
      return false;
    }
  }
  return prepare_query(head) && prepare_state() && prepare_headers(head);
}

void ScopeBuilder::settle() noexcept {
  if (latest_.dict && !latest_is_untouched()) {
    latest_ = {};
  }
}

/// The dict first: only while it is what it was does it have the others.
bool ScopeBuilder::latest_is_untouched() const noexcept {
  return is_own(latest_.dict.get(), latest_.version) &&
         is_own(latest_.asgi, http_.asgi_version, 2) &&  // the template has it, too
         (latest_.state == nullptr || is_own(latest_.state, latest_.state_version)) &&
         Py_REFCNT(latest_.headers) == 1 &&
         std::ranges::equal(items_of(latest_.headers), items_of(latest_.section.get()));
}

bool ScopeBuilder::prepare(Items& items, net::Exchange& exchange, const net::Peer& peer) {
  const Names& names = bridge_.names;
  return prepare_path(items, exchange.head()) &&
         prepare_item(items, names.client, items.client, client_of(exchange)) &&
         prepare_item(items, names.server, items.server, server_of(peer));
}

bool ScopeBuilder::prepare_path(Items& items, const http::RequestHead& head) {
  const Names& names = bridge_.names;
  const TargetCache::Target target = bridge_.targets.find(head.path);
  if (target.path == items.path && items.path != nullptr) {
    return true;
  }
  items.path = nullptr;
  if (!set(items.dict.get(), names.path, target.path) ||
      !set(items.dict.get(), names.raw_path, target.raw_path)) {
    return false;
  }
  items.path = target.path;
  return true;
}

bool ScopeBuilder::prepare_item(Items& items, const py::Ref& key, PyObject*& latest,
                                PyObject* value) {
  if (value == latest && latest != nullptr) {
    return true;
  }
  latest = set(items.dict.get(), key, value) ? value : nullptr;
  return latest != nullptr;
}

bool ScopeBuilder::prepare_query(const http::RequestHead& head) {
  if (head.query.empty() && !latest_.has_query) {
    return true;
  }
  const Names& names = bridge_.names;
  const py::Ref query = head.query.empty() ? names.empty_bytes : py::make_bytes(head.query);
  latest_.has_query = !head.query.empty();
  return set(latest_.dict.get(), names.query_string, query.get());
}

/// Dicts that the application may change are the request's own. The latest scope's serves again
/// once nobody else has it and nobody has changed it.
bool ScopeBuilder::prepare_asgi(Template& of) {
  if (of.asgi != nullptr && is_own(of.asgi, of.asgi_version)) {
    return true;
  }
  const py::Ref copy = py::Ref::steal(PyDict_Copy(asgi_.get()));
  if (!prepare_item(of, bridge_.names.asgi, of.asgi, copy.get())) {
    return false;
  }
  of.asgi_version = py::dict_version(of.asgi);
  return true;
}

/// The same for the state, as long as the lifespan's is what it was.
bool ScopeBuilder::prepare_state() {
  if (!state_ ||
      (latest_.state != nullptr && py::dict_version(state_.get()) == latest_.lifespan_version)) {
    return true;
  }
  const py::Ref copy = py::Ref::steal(PyDict_Copy(state_.get()));
  if (!set(latest_.dict.get(), bridge_.names.state, copy.get())) {
    return false;
  }
  latest_.state = copy.get();
  latest_.state_version = py::dict_version(copy.get());
  latest_.lifespan_version = py::dict_version(state_.get());
  return true;
}

bool ScopeBuilder::prepare_headers(const http::RequestHead& head) {
  const auto kept = [&head] {
    return head.attachment == nullptr ? nullptr : static_cast<PyObject*>(head.attachment->get());
  };
  if (latest_.section && latest_.section.get() == kept()) {
    return true;
  }
  const py::Ref headers = make_headers(head);
  if (!set(latest_.dict.get(), bridge_.names.headers, headers.get())) {
    return false;
  }
  latest_.headers = headers.get();
  latest_.section = py::Ref::borrow(kept());
  return true;
}

/// A list of the request's own, since the application may change it.
py::Ref ScopeBuilder::make_headers(const http::RequestHead& head) {
  if (head.attachment == nullptr) {
    return read_headers(head);
  }
  if (head.attachment->get() == nullptr) {
    py::Ref headers = read_headers(head);
    if (!headers) {
      return {};
    }
    head.attachment->set(headers.release(), py::release_reference);
  }
  auto* const kept = static_cast<PyObject*>(head.attachment->get());
  return py::Ref::steal(PyList_GetSlice(kept, 0, PyList_GET_SIZE(kept)));
}

py::Ref ScopeBuilder::read_headers(const http::RequestHead& head) {
  py::Ref headers = py::Ref::steal(PyList_New(static_cast<Py_ssize_t>(head.fields.size())));
  if (!headers) {
    return {};
  }
  Py_ssize_t index = 0;
  for (const http::HeaderField& field : head.fields) {
    PyObject* pair = bridge_.headers.make_pair(field.name, field.value);
    if (pair == nullptr) {
      return {};
    }
    PyList_SET_ITEM(headers.get(), index++, pair);
  }
  return headers;
}

py::Ref ScopeBuilder::make_subprotocols(const ws::Handshake& handshake) {
  py::Ref list = py::Ref::steal(PyList_New(0));
  for (const std::string_view name : handshake.subprotocols()) {
    const py::Ref text = py::Ref::steal(
        PyUnicode_DecodeLatin1(name.data(), static_cast<Py_ssize_t>(name.size()), nullptr));
    if (!list || !text || PyList_Append(list.get(), text.get()) < 0) {
      return {};
    }
  }
  return list;
}

/// Borrowed; null for one that is none of those.
PyObject* ScopeBuilder::usual_method(std::string_view method) const noexcept {
  if (method == "GET") {
    return get_.get();
  }
  const auto* const usual = std::find(usual_methods.begin(), usual_methods.end(), method);
  return usual == usual_methods.end()
             ? nullptr
             : methods_[static_cast<std::size_t>(usual - usual_methods.begin())].get();
}

/// Borrowed; kept with the connection.
PyObject* ScopeBuilder::client_of(net::Exchange& exchange) {
  base::Attachment& kept = exchange.attachment();
  if (kept.get() == nullptr) {
    if (PyObject* address = make_address(*exchange.peer().client); address != nullptr) {
      kept.set(address, py::release_reference);
    }
  }
  return static_cast<PyObject*>(kept.get());
}

/// Borrowed; one listener has one address for all of its connections, as a rule.
PyObject* ScopeBuilder::server_of(const net::Peer& peer) {
  if (!server_ || server_address_.port != peer.server->port ||
      server_address_.host != peer.server->host) {
    server_ = py::Ref::steal(make_address(*peer.server));
    server_address_ = *peer.server;
  }
  return server_.get();
}

}  // namespace ringhorn::asgi
