#include <ringhorn/ws/message_writer.hpp>

#include <array>
#include <cstring>

namespace ringhorn::ws {

namespace {

Opcode opcode_of(MessageKind kind) {
  return static_cast<Opcode>(kind);
}

void write_frame(base::ByteBuffer& out, Opcode opcode, std::string_view payload) {
  char* const to = out.prepare(server_head_bytes_max + payload.size());
  const std::size_t head_bytes = write_frame_head(to, opcode, payload.size());
  if (!payload.empty()) {
    std::memcpy(to + head_bytes, payload.data(), payload.size());
  }
  out.commit(head_bytes + payload.size());
}

/// The longest front of `text` of at most `size` bytes that cuts no character in two.
std::string_view cut(std::string_view text, std::size_t size) {
  if (text.size() <= size) {
    return text;
  }
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
    --size;
  }
  return text.substr(0, size);
}

}  // namespace

MessageWriter::MessageWriter(DeflatePool& pool, const DeflateAgreement& agreement,
                             std::size_t compressed_bytes_min) noexcept
    : pool_(agreement.enabled ? &pool : nullptr),
      compressed_bytes_min_(compressed_bytes_min),
      window_bits_(agreement.server_window_bits) {}

void MessageWriter::write(base::ByteBuffer& out, MessageKind kind, std::string_view payload) {
  if (!compresses(payload.size())) {
    write_frame(out, opcode_of(kind), payload);
    return;
  }
  // The head goes in front when the length is known; it may get shorter than there is room for.
  const std::size_t before = out.size();
  const std::size_t room = server_head_bytes(payload.size());
  out.prepare(room);
  out.commit(room);
  if (!pool_->compress(payload, window_bits_, out)) {
    out.truncate(before);
    write_frame(out, opcode_of(kind), payload);
    return;
  }
  char* const frame = out.bytes().data() + before;
  const std::size_t deflated_bytes = out.size() - before - room;
  const std::size_t head_bytes = server_head_bytes(deflated_bytes);
  if (head_bytes < room) {
    std::memmove(frame + head_bytes, frame + room, deflated_bytes);
    out.truncate(before + head_bytes + deflated_bytes);
  }
  write_frame_head(frame, opcode_of(kind), deflated_bytes, Compression::deflated);
}

void write_message_head(base::ByteBuffer& out, MessageKind kind, std::uint64_t payload_bytes) {
  out.commit(write_frame_head(out.prepare(server_head_bytes_max), opcode_of(kind), payload_bytes));
}

void write_ping(base::ByteBuffer& out, std::string_view payload) {
  RINGHORN_ASSERT(payload.size() <= control_payload_bytes_max);
  write_frame(out, Opcode::ping, payload);
}

void write_pong(base::ByteBuffer& out, std::string_view payload) {
  RINGHORN_ASSERT(payload.size() <= control_payload_bytes_max);
  write_frame(out, Opcode::pong, payload);
}

void write_close(base::ByteBuffer& out, std::uint16_t code, std::string_view reason) {
  if (code == close_no_status) {
    write_frame(out, Opcode::close, {});
    return;
  }
  RINGHORN_ASSERT(may_be_sent(code));
  std::array<char, control_payload_bytes_max> payload;
  reason = cut(reason, close_reason_bytes_max);
  payload[0] = static_cast<char>(code >> 8);
  payload[1] = static_cast<char>(code);
  std::copy(reason.begin(), reason.end(), payload.begin() + 2);
  write_frame(out, Opcode::close, {payload.data(), 2 + reason.size()});
}

}  // namespace ringhorn::ws
