/// permessage-deflate (RFC 7692) for all connections of one worker: what was agreed with a peer,
/// inflating of messages as they come, compressing of whole ones.
///
/// Both directions run without context takeover: we say so in every answer, which the RFC allows
/// whatever was offered (§7.1.1). So no state belongs to a connection, but for the one that
/// inflates a message that has begun and not ended. zlib inflates, ISA-L compresses.
///
///     idle connection                            0 bytes
///     within a message that came compressed      inflater_bytes_max, and the message so far
///     the worker, once                           a compressor (360 KiB), for each window size in
///                                                use the last message that was compressed, if not
///                                                above shared_bytes_max, with the result;
///                                                spare_inflaters inflaters
///
/// That last result is given out again when the same bytes come again: a broadcast to connections
/// with whatever windows compresses once for each window size that the message can make use of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <ringhorn/base/byte_buffer.hpp>

namespace ringhorn::ws {

/// What both sides agreed on at the handshake. Default: nothing, messages are as they are.
struct DeflateAgreement {
  bool enabled = false;
  std::uint8_t server_window_bits = 15;  ///< we compress with no larger window; 9 to 15
  std::uint8_t client_window_bits = 15;  ///< nor does the client; 8 to 15
};

/// Inflates one message after another, each from a fresh window.
class Inflater {
 public:
  enum class Result : std::uint8_t {
    done,       ///< all input was used
    too_big,    ///< the output would grow beyond `output_bytes_max`; it is that long
    bad,        ///< not a deflate stream, or one that does not end with the message
    no_memory,  ///< zlib could not get any
  };

  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Makes ready for a message, compressed with whatever window.
  void start() noexcept;
  /// Appends what `input` says to `output`, which never holds more than `output_bytes_max` bytes;
  /// memory follows the bytes that are really there.
  Result feed(std::string_view input, base::ByteBuffer& output, std::size_t output_bytes_max);
  /// The message's payload is complete: what is left comes out.
  Result finish(base::ByteBuffer& output, std::size_t output_bytes_max);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

class DeflatePool {
 public:
  /// zlib's own figure for a window of 15 bits, rounded up.
  static constexpr std::size_t inflater_bytes_max = 48 * 1024;
  static constexpr std::size_t spare_inflaters = 8;
  static constexpr std::size_t shared_bytes_max = 64 * 1024;
  static constexpr std::uint8_t window_bits_min = 9;

  DeflatePool();
  ~DeflatePool();
  DeflatePool(const DeflatePool&) = delete;
  DeflatePool& operator=(const DeflatePool&) = delete;

  /// An inflater started for one message. Given back when the message has ended.
  std::unique_ptr<Inflater> take_inflater();
  void give_back(std::unique_ptr<Inflater> inflater) noexcept;

  /// Appends the payload of a compressed message (without the last 00 00 ff ff, §7.2.1) to `out`.
  /// False, and nothing appended, when it would not be shorter than `payload`.
  /// REQUIRES: window_bits_min <= window_bits <= 15; `payload` does not lie in `out`
  bool compress(std::string_view payload, std::uint8_t window_bits, base::ByteBuffer& out);
  /// How often compress() really compressed; the rest was shared.
  std::uint64_t compressed_count() const noexcept { return compressed_count_; }

 private:
  class Compressor;
  struct Last;

  bool run(std::string_view payload, std::uint8_t window_bits, base::ByteBuffer& out);

  std::unique_ptr<Compressor> compressor_;      // made for the first message
  std::array<std::unique_ptr<Last>, 16> last_;  // by window bits
  std::uint64_t compressed_count_ = 0;
  std::vector<std::unique_ptr<Inflater>> spare_;
};

}  // namespace ringhorn::ws
