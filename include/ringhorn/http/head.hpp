/// What a request says before its body: plain data over bytes that belong to somebody else. Filled
/// by RequestParser, read by `net` and `asgi`. It owns nothing, decodes nothing (percent-encoding
/// stays), and is never changed by those who read it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <ringhorn/base/attachment.hpp>

namespace ringhorn::http {

enum class Version : std::uint8_t { http_1_0, http_1_1 };

/// How the end of a message body is found (RFC 9112 §6.3).
enum class Framing : std::uint8_t {
  none,            ///< no body
  content_length,  ///< as many bytes as the field says
  chunked,         ///< Transfer-Encoding: chunked
  until_close,     ///< responses to HTTP/1.0 only: ends with the connection
};

/// The longest body that Content-Length may announce; enough for whoever keeps it signed.
inline constexpr std::uint64_t content_length_max = INT64_MAX;

struct HeaderField {
  std::string_view name;   ///< lower case (ASGI: names are lower-cased)
  std::string_view value;  ///< as sent, without white space around it
};

/// Names of fields, lower case, whose values are not to be kept for longer than they are needed.
inline bool is_secret(std::string_view name) noexcept {
  switch (name.size()) {
    case 6:
      return name == "cookie";
    case 13:
      return name == "authorization";
    case 19:
      return name == "proxy-authorization";
    default:
      return false;
  }
}

/// What the header section of a request says (RFC 9110 §6.3).
struct HeaderSection {
  std::string_view authority;  ///< of an absolute-form target, else of Host; may be empty on 1.0
  Framing framing = Framing::none;
  bool keep_alive = true;            ///< by version and Connection (RFC 9112 §9.3)
  bool expects_continue = false;     ///< Expect: 100-continue with a body, on 1.1
  bool accepts_trailers = false;     ///< TE: trailers
  bool wants_upgrade = false;        ///< Connection: upgrade together with an Upgrade field, on 1.1
  std::string_view upgrade;          ///< the Upgrade field's value when wants_upgrade
  std::uint64_t content_length = 0;  ///< REQUIRES framing == content_length
  std::span<const HeaderField> fields;  ///< in the order sent, duplicates kept
  /// Where one may keep what one has made of `fields`: it is there again when the same bytes are.
  /// Null where they are not remembered.
  base::Attachment* attachment = nullptr;
};

/// The head of one request. Its views live until the bytes given to RequestParser::next move, or a
/// parser of the same server is called for another connection.
struct RequestHead : HeaderSection {
  std::string_view method;  ///< as sent; case is significant (RFC 9110 §9.1)
  std::string_view target;  ///< the request-target as sent
  std::string_view path;    ///< percent-encoded path; "*" for OPTIONS *, empty for CONNECT
  std::string_view query;   ///< behind the first '?', without it; empty if none
  Version version = Version::http_1_1;
};

/// Bounds on what a peer may send; every one is an option of the server.
struct Limits {
  std::uint32_t request_line_bytes_max = 8190;
  std::uint32_t field_bytes_max = 16384;            ///< one field line
  std::uint32_t field_count_max = 100;              ///< trailers included
  std::uint32_t head_bytes_max = 65536;             ///< all field lines together, trailers included
  std::uint32_t chunk_extension_bytes_max = 16384;  ///< per request
  std::uint64_t body_bytes_max = 0;                 ///< decoded; 0 = no limit
};

/// Why a request was refused: a status and one sentence for the log, never for the peer.
struct RequestError {
  int status = 400;
  const char* reason = "";
};

}  // namespace ringhorn::http
