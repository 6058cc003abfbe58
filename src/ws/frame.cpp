#include <ringhorn/ws/frame.hpp>

#include <bit>
#include <cstring>

namespace ringhorn::ws {

namespace {

/// Writes the low `bytes` bytes of `number`, most significant first.
void write_number(char* out, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out[i] = static_cast<char>(number >> (8 * (bytes - 1 - i)));
  }
}

}  // namespace

Mask apply_mask(char* bytes, std::size_t size, Mask mask) noexcept {
  const std::uint64_t twice = std::uint64_t{mask} << 32 | mask;
  const auto apply = [bytes](std::size_t at, auto with) {
    decltype(with) word;
    std::memcpy(&word, bytes + at, sizeof word);
    word ^= with;
    std::memcpy(bytes + at, &word, sizeof word);
  };
  std::size_t at = 0;
  for (; size - at >= sizeof twice; at += sizeof twice) {
    apply(at, twice);
  }
  if (size - at >= sizeof mask) {
    apply(at, mask);
    at += sizeof mask;
  }
  const int turn = std::endian::native == std::endian::little ? -8 : 8;
  for (; at < size; ++at) {
    unsigned char first;
    std::memcpy(&first, &mask, 1);
    bytes[at] = static_cast<char>(bytes[at] ^ first);
    mask = std::rotl(mask, turn);
  }
  return mask;
}

std::size_t write_frame_head(char* out, Opcode opcode, std::uint64_t payload_bytes,
                             Compression compression) noexcept {
  constexpr unsigned fin = 0x80;
  constexpr unsigned rsv1 = 0x40;
  out[0] = static_cast<char>(fin | (compression == Compression::deflated ? rsv1 : 0U) |
                             static_cast<unsigned>(opcode));
  const std::size_t size = server_head_bytes(payload_bytes);
  if (size == 2) {
    out[1] = static_cast<char>(payload_bytes);
  } else if (size == 4) {
    out[1] = 126;
    write_number(out + 2, payload_bytes, 2);
  } else {
    out[1] = 127;
    write_number(out + 2, payload_bytes, 8);
  }
  return size;
}

}  // namespace ringhorn::ws
