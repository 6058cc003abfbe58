/// Upgrade is what a Session keeps of a WebSocket's handshake until the application has answered
/// it: the handshake itself is views into the request, which go away before.
#pragma once

#include <array>
#include <string>

#include <ringhorn/ws/deflate.hpp>
#include <ringhorn/ws/handshake.hpp>

namespace ringhorn::net {

struct Upgrade {
  explicit Upgrade(const ws::Handshake& handshake)
      : accept_value(handshake.accept_value()),
        extension_answer(handshake.extension_answer()),
        deflate(handshake.deflate()) {}

  std::array<char, 28> accept_value;  ///< Sec-WebSocket-Accept
  std::string extension_answer;       ///< Sec-WebSocket-Extensions; empty: not to be sent
  ws::DeflateAgreement deflate;
};

}  // namespace ringhorn::net
