#include <ringhorn/ws/handshake.hpp>

#include <algorithm>

#include <nettle/base64.h>
#include <nettle/sha1.h>

#include "field_list.hpp"

namespace ringhorn::ws {

namespace {

constexpr std::string_view deflate_name = "permessage-deflate";
constexpr std::string_view own_version = "13";

/// base64 of 16 bytes (RFC 6455 §4.2.1): 22 digits and two pads. The four bits of the last digit
/// that stand for nothing may be anything, as they are in the RFC's own example (§1.3).
bool is_key(std::string_view key) {
  constexpr std::size_t digits = 22;
  return key.size() == digits + 2 && key.substr(digits) == "==" &&
         std::all_of(key.begin(), key.begin() + digits, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/';
         });
}

/// A window size as RFC 7692 §7.1.2 writes it, 8 to 15 without leading zeros; 0 for anything else.
std::uint8_t read_window_bits(std::string_view value) {
  if (value == "8" || value == "9") {
    return static_cast<std::uint8_t>(value[0] - '0');
  }
  if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5') {
    return static_cast<std::uint8_t>(10 + value[1] - '0');
  }
  return 0;
}

/// Reads the parameters of one offer of permessage-deflate. One that is unknown, repeated, or has
/// a value that it should not have makes the offer one that must be declined (§7).
class DeflateOffer {
 public:
  void add(const ExtensionParameter& parameter) {
    if (parameter.name == "server_no_context_takeover") {
      take_flag(server_no_takeover_, parameter);
    } else if (parameter.name == "client_no_context_takeover") {
      take_flag(client_no_takeover_, parameter);
    } else if (parameter.name == "server_max_window_bits") {
      // zlib cannot compress with a window of 8 bits.
      take_bits(server_bits_, parameter, 9);
    } else if (parameter.name == "client_max_window_bits") {
      if (parameter.has_value) {
        take_bits(client_bits_, parameter, 8);
      } else {
        take_flag(client_bits_named_, parameter);
      }
    } else {
      bad_ = true;
    }
  }

  DeflateAgreement agreement() const {
    DeflateAgreement agreed;
    agreed.enabled = !bad_ && !(client_bits_named_ && client_bits_ != 0);
    agreed.server_window_bits = server_bits_ != 0 ? server_bits_ : agreed.server_window_bits;
    agreed.client_window_bits = client_bits_ != 0 ? client_bits_ : agreed.client_window_bits;
    return agreed;
  }

 private:
  void take_flag(bool& flag, const ExtensionParameter& parameter) {
    bad_ = bad_ || flag || parameter.has_value;
    flag = true;
  }
  void take_bits(std::uint8_t& bits, const ExtensionParameter& parameter, unsigned least) {
    const std::uint8_t value = read_window_bits(parameter.value);
    bad_ = bad_ || bits != 0 || value < least;
    bits = value;
  }

  bool bad_ = false;
  bool server_no_takeover_ = false;
  bool client_no_takeover_ = false;
  bool client_bits_named_ = false;
  std::uint8_t server_bits_ = 0;
  std::uint8_t client_bits_ = 0;
};

}  // namespace

bool Handshake::is_wanted(std::string_view upgrade) noexcept {
  constexpr std::string_view wanted = "websocket";
  FieldList list(upgrade);
  while (list.next()) {
    const std::string_view name = list.element();
    if (std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(), [](char a, char b) {
          return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
        })) {
      return true;
    }
  }
  return false;
}

void Handshake::add_field(std::string_view name, std::string_view value) {
  constexpr std::string_view prefix = "sec-websocket-";
  if (name.substr(0, prefix.size()) != prefix) {
    return;
  }
  name.remove_prefix(prefix.size());
  if (name == "key") {
    repeated_ = repeated_ || has_key_;
    has_key_ = true;
    key_ = value;
  } else if (name == "version") {
    repeated_ = repeated_ || has_version_;
    has_version_ = true;
    version_ = value;
  } else if (name == "protocol") {
    add_subprotocols(value);
  } else if (name == "extensions" && request_.deflate && !deflate_.enabled) {
    add_extensions(value);
  }
}

void Handshake::add_subprotocols(std::string_view value) {
  FieldList list(value);
  while (list.next()) {
    bad_subprotocols_ = bad_subprotocols_ || !is_token(list.element());
    subprotocols_.push_back(list.element());
  }
}

void Handshake::add_extensions(std::string_view value) {
  ExtensionList list(value);
  while (!deflate_.enabled && list.next_extension()) {
    DeflateOffer offer;
    while (list.next_parameter()) {
      offer.add(list.parameter());
    }
    // The first offer that can be met is the one that the client likes best (RFC 7692 §5.1).
    if (list.name() == deflate_name && !list.broken()) {
      deflate_ = offer.agreement();
    }
  }
}

Handshake::Verdict Handshake::check() {
  if (request_.method != "GET") {
    return {400, "an upgrade to WebSocket that is not a GET"};
  }
  if (request_.has_body) {
    return {400, "an upgrade to WebSocket with a body"};
  }
  if (repeated_) {
    return {400, "Sec-WebSocket-Key or Sec-WebSocket-Version is there twice"};
  }
  if (!has_version_) {
    return {400, "no Sec-WebSocket-Version"};
  }
  if (version_ != own_version) {
    return {426, "another version of WebSocket"};
  }
  if (!is_key(key_)) {
    return {400, has_key_ ? "Sec-WebSocket-Key is not 16 bytes" : "no Sec-WebSocket-Key"};
  }
  if (bad_subprotocols_) {
    return {400, "a subprotocol that is not a token"};
  }
  std::vector<std::string_view> sorted = subprotocols_;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return {400, "a subprotocol is there twice"};
  }
  return {};
}

std::array<char, 28> Handshake::accept_value() const noexcept {
  return ws::accept_value(key_);
}

bool Handshake::offers(std::string_view subprotocol) const noexcept {
  return std::find(subprotocols_.begin(), subprotocols_.end(), subprotocol) != subprotocols_.end();
}

std::string Handshake::extension_answer() const {
  std::string answer;
  if (!deflate_.enabled) {
    return answer;
  }
  answer = deflate_name;
  answer += "; server_no_context_takeover; client_no_context_takeover";
  const auto add_bits = [&answer](std::string_view name, std::uint8_t bits) {
    if (bits < 15) {
      answer += name;
      answer += std::to_string(bits);
    }
  };
  add_bits("; server_max_window_bits=", deflate_.server_window_bits);
  add_bits("; client_max_window_bits=", deflate_.client_window_bits);
  return answer;
}

std::array<char, 28> accept_value(std::string_view key) noexcept {
  constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
  };
  std::array<std::uint8_t, SHA1_DIGEST_SIZE> digest;
  sha1_ctx context;
  sha1_init(&context);
  sha1_update(&context, key.size(), bytes(key));
  sha1_update(&context, guid.size(), bytes(guid));
  sha1_digest(&context, digest.size(), digest.data());
  std::array<char, 28> value;
  static_assert(BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE) == value.size());
  base64_encode_raw(value.data(), digest.size(), digest.data());
  return value;
}

}  // namespace ringhorn::ws
