/// The frame of the WebSocket protocol (RFC 6455 §5): opcodes, close codes, the head, the mask.
/// Plain data and pure functions, used by reader and writer alike.
///
///      0               1               2               3
///     +-+-+-+-+-------+-+-------------+-------------------------------+
///     |F|R|R|R| opcode|M| length      | extended length, if 126 or 127|
///     |I|S|S|S|  (4)  |A|   (7)       |     (16 or 64 bits, minimal)  |
///     |N|1|2|3|       |S|             | then 4 bytes of mask if MASK  |
///     +-+-+-+-+-------+-+-------------+-------------------------------+
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringhorn::ws {

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

/// What a message is; the values are those of its opcode.
enum class MessageKind : std::uint8_t { text = 0x1, binary = 0x2 };

/// Close codes (RFC 6455 §7.4.1 and the IANA registry) that a server has a use for.
inline constexpr std::uint16_t close_normal = 1000;
inline constexpr std::uint16_t close_going_away = 1001;
inline constexpr std::uint16_t close_protocol_error = 1002;
inline constexpr std::uint16_t close_no_status = 1005;  ///< never sent: the Close had no code
inline constexpr std::uint16_t close_abnormal = 1006;   ///< never sent: no Close came at all
inline constexpr std::uint16_t close_bad_data = 1007;
inline constexpr std::uint16_t close_too_big = 1009;
inline constexpr std::uint16_t close_internal_error = 1011;
inline constexpr std::uint16_t close_service_restart = 1012;

/// True for a code that may stand in a Close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999.
constexpr bool may_be_sent(unsigned code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

inline constexpr std::size_t control_payload_bytes_max = 125;  ///< RFC 6455 §5.5
inline constexpr std::size_t close_reason_bytes_max = control_payload_bytes_max - 2;
inline constexpr std::size_t server_head_bytes_max = 10;  ///< without a mask
inline constexpr std::size_t client_head_bytes_max = 14;  ///< with one

/// The masking key, its four bytes as they lie in memory.
using Mask = std::uint32_t;

/// Takes the mask off `size` bytes in place, or puts it on; returns the mask for the byte behind
/// them, so that a payload can be done in pieces.
Mask apply_mask(char* bytes, std::size_t size, Mask mask) noexcept;

/// Whether a message's payload is compressed: RSV1 of its first frame (RFC 7692 §6).
enum class Compression : std::uint8_t { none, deflated };

/// How long the head of a frame without a mask is.
constexpr std::size_t server_head_bytes(std::uint64_t payload_bytes) noexcept {
  return payload_bytes < 126 ? 2 : payload_bytes <= 0xFFFF ? 4 : server_head_bytes_max;
}

/// Writes the head of an unfragmented frame without a mask, server_head_bytes(payload_bytes) bytes;
/// returns how many.
std::size_t write_frame_head(char* out, Opcode opcode, std::uint64_t payload_bytes,
                             Compression compression = Compression::none) noexcept;

}  // namespace ringhorn::ws
