/// Writes what a server sends over a WebSocket onto a ByteBuffer: unfragmented, unmasked frames
/// (RFC 6455 §5.1), compressed where that was agreed and pays (RFC 7692). No I/O. Which frames may
/// still be sent is CloseState's knowledge.
///
/// The bytes of a large message need not pass through the buffer: write_message_head writes what
/// goes before them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/ws/deflate.hpp>
#include <ringhorn/ws/frame.hpp>

namespace ringhorn::ws {

class MessageWriter {
 public:
  /// Never compresses.
  MessageWriter() = default;
  /// Compresses messages of `compressed_bytes_min` bytes and more if the agreement says so. `pool`
  /// must outlive the writer.
  MessageWriter(DeflatePool& pool, const DeflateAgreement& agreement,
                std::size_t compressed_bytes_min) noexcept;

  /// True when write() would try to compress a message of that size: it has to go through write()
  /// then. Others may go by reference behind write_message_head().
  bool compresses(std::size_t payload_bytes) const noexcept {
    return pool_ != nullptr && payload_bytes >= compressed_bytes_min_;
  }
  /// A whole message. REQUIRES: text is UTF-8; `payload` does not lie in `out`
  void write(base::ByteBuffer& out, MessageKind kind, std::string_view payload);

 private:
  DeflatePool* pool_ = nullptr;
  std::size_t compressed_bytes_min_ = 0;
  std::uint8_t window_bits_ = 15;
};

/// What goes before the payload of a whole uncompressed message.
void write_message_head(base::ByteBuffer& out, MessageKind kind, std::uint64_t payload_bytes);

/// REQUIRES: at most control_payload_bytes_max bytes
void write_ping(base::ByteBuffer& out, std::string_view payload);
void write_pong(base::ByteBuffer& out, std::string_view payload);
/// close_no_status writes an empty Close. A reason of more than close_reason_bytes_max bytes is cut
/// between two characters. REQUIRES: may_be_sent(code) or close_no_status; the reason is UTF-8
void write_close(base::ByteBuffer& out, std::uint16_t code, std::string_view reason);

}  // namespace ringhorn::ws
