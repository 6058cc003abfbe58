// Who is at the other end of a Connection, and what the application keeps with it.
#include <string>

#include "connection.hpp"
#include "server_state.hpp"

namespace ringhorn::net {

Peer Connection::peer() {
  if (!addresses_known_) {
    addresses_known_ = true;
    client_ = sock::peer_address(socket_.value());
    if (local_->host == "0.0.0.0" || local_->host == "::") {
      own_local_ = sock::local_address(socket_.value());
      local_ = &own_local_;
    }
  }
  return {&client_, local_, false};
}

const std::string& Connection::client_text() {
  if (client_text_.empty()) {
    const sock::Address& client = *peer().client;
    // As uvicorn writes it, for those who take log lines apart: no brackets around IPv6.
    client_text_ = client.family == sock::Address::Family::ipv6
                       ? client.host + ":" + std::to_string(client.port)
                       : client.to_string();
  }
  return client_text_;
}

void Connection::count_as(Load load) noexcept {
  if (load != load_) {
    load_ = load;
    load == Load::probe ? server_->probe_opened() : server_->probe_closed();
  }
}

}  // namespace ringhorn::net
