/// Handshake reads the opening handshake of a client (RFC 6455 §4.2.1) and says how to answer it.
/// It is given the fields of a request as views and knows nothing of HTTP beyond them; the answer
/// is written by whoever writes responses. One per upgrade request, for as long as the views live.
///
///     Handshake handshake({.method = head.method, .has_body = false});
///     for each field: handshake.add_field(name, value);
///     handshake.check() ──► accept: 101 with accept_value(), a subprotocol, extension_answer()
///                       └─► refuse: status() with `reason` in the log; 426 names our version
///
/// An extension that is not known, or is offered with anything that we do not understand, is as if
/// it had not been offered: it never makes a handshake fail.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/ws/deflate.hpp>

namespace ringhorn::ws {

class Handshake {
 public:
  struct Request {
    std::string_view method;
    bool has_body = false;  ///< by content-length or transfer-encoding
    bool deflate = true;    ///< permessage-deflate may be agreed on
  };
  /// Why a handshake is refused: a status and one sentence for the log.
  struct Verdict {
    int status = 101;  ///< 101, 400, or 426 with `sec-websocket-version: 13`
    const char* reason = "";
    bool accepted() const noexcept { return status == 101; }
  };

  /// True when the value of an Upgrade field names `websocket`, in any case, alone or in a list.
  /// Whatever else it says is no business of ours: such a request is one for HTTP.
  static bool is_wanted(std::string_view upgrade) noexcept;

  explicit Handshake(const Request& request) noexcept : request_(request) {}

  /// Notes a field if it belongs to the handshake. `name` is in lower case; the value's bytes must
  /// stay where they are.
  void add_field(std::string_view name, std::string_view value);
  /// After the last field. The version is looked at first: who speaks another one gets to know it.
  Verdict check();

  // --- valid after an accepting check() --------------------------------------------------------
  /// The value of Sec-WebSocket-Accept (§4.2.2).
  std::array<char, 28> accept_value() const noexcept;
  /// What the client would speak, in its order; each is a token and there once.
  const std::vector<std::string_view>& subprotocols() const noexcept { return subprotocols_; }
  bool offers(std::string_view subprotocol) const noexcept;
  const DeflateAgreement& deflate() const noexcept { return deflate_; }
  /// The value of Sec-WebSocket-Extensions; empty when the field is not to be sent.
  std::string extension_answer() const;

 private:
  void add_subprotocols(std::string_view value);
  void add_extensions(std::string_view value);

  Request request_;
  std::string_view key_;
  std::string_view version_;
  bool has_key_ = false;
  bool has_version_ = false;
  bool repeated_ = false;  // one of the two
  bool bad_subprotocols_ = false;
  std::vector<std::string_view> subprotocols_;
  DeflateAgreement deflate_;
};

/// base64(SHA-1(key + the GUID of RFC 6455 §1.3)).
std::array<char, 28> accept_value(std::string_view key) noexcept;

}  // namespace ringhorn::ws
