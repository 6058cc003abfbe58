#include <ringhorn/ws/deflate.hpp>

#include <algorithm>
#include <bit>
#include <utility>

#include <isa-l/igzip_lib.h>
#include <zlib.h>

namespace ringhorn::ws {

namespace {

// What the writer of a message leaves off and its reader puts back (RFC 7692 §7.2.1, §7.2.2).
constexpr std::string_view tail{"\x00\x00\xff\xff", 4};

constexpr int raw_window = -15;  // negative: without zlib's own head and checksum

// zlib takes bytes through a pointer to non-const; it does not write there.
Bytef* input_of(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

constexpr std::size_t room_min = 512;
constexpr std::size_t room_max = 64 * 1024;

}  // namespace

struct Inflater::Stream {
  z_stream z{};
  bool ready = false;
  bool between_streams = true;  // nothing of a deflate stream is open
};

Inflater::Inflater() : stream_(std::make_unique<Stream>()) {
  stream_->ready = inflateInit2(&stream_->z, raw_window) == Z_OK;
}

Inflater::~Inflater() {
  if (stream_->ready) {
    inflateEnd(&stream_->z);
  }
}

void Inflater::start() noexcept {
  if (stream_->ready) {
    inflateReset(&stream_->z);
  }
  stream_->between_streams = true;
}

Inflater::Result Inflater::feed(std::string_view input, base::ByteBuffer& output,
                                std::size_t output_bytes_max) {
  if (!stream_->ready) {
    return Result::no_memory;
  }
  constexpr std::size_t zlib_bytes_max = 0xFFFFFFFF;  // its counts have 32 bits
  RINGHORN_ASSERT(input.size() <= zlib_bytes_max / 4 && output.size() <= output_bytes_max);
  z_stream& z = stream_->z;
  z.next_in = input_of(input);
  z.avail_in = static_cast<uInt>(input.size());
  for (;;) {
    // One byte more than there may be: only so is a stream that goes on told from one that ends.
    const std::size_t left = output_bytes_max - output.size() + 1;
    const std::size_t room =
        std::min(left, std::clamp(4 * std::size_t{z.avail_in}, room_min, room_max));
    z.next_out = reinterpret_cast<Bytef*>(output.prepare(room));
    z.avail_out = static_cast<uInt>(room);
    const uInt unread = z.avail_in;
    const int status = inflate(&z, Z_SYNC_FLUSH);
    output.commit(room - z.avail_out);
    if (output.size() > output_bytes_max) {
      output.truncate(output_bytes_max);
      return Result::too_big;
    }
    stream_->between_streams = status == Z_STREAM_END || (stream_->between_streams && unread == 0);
    if (status == Z_STREAM_END) {
      // A block marked as the last one (§7.2.3.4): the next may still point back behind it.
      inflateResetKeep(&z);
    } else if (status == Z_MEM_ERROR) {
      return Result::no_memory;
    } else if (status != Z_OK && !(status == Z_BUF_ERROR && unread == 0)) {
      return Result::bad;
    }
    if (z.avail_in == 0 && z.avail_out > 0) {
      return Result::done;
    }
  }
}

Inflater::Result Inflater::finish(base::ByteBuffer& output, std::size_t output_bytes_max) {
  if (stream_->between_streams) {
    return Result::done;  // nothing was sent, or a last block and nothing behind it
  }
  const Result result = feed(tail, output, output_bytes_max);
  if (result != Result::done) {
    return result;
  }
  // Behind the empty block of the tail nothing is open; in a message cut short something is.
  constexpr int at_block_end = 128;
  const bool whole = stream_->between_streams || (stream_->z.data_type & at_block_end) != 0;
  return whole ? Result::done : Result::bad;
}

/// ISA-L's stream, made ready again for each message; nothing of a message is left in it.
class DeflatePool::Compressor {
 public:
  /// As DeflatePool::compress.
  bool run(std::string_view payload, std::uint8_t window_bits, base::ByteBuffer& out) {
    if (payload.empty() || payload.size() > room_for_counts) {
      return false;
    }
    // With all of this used up it would not be shorter.
    const std::size_t room = payload.size() + tail.size();
    isal_deflate_init(&stream_);
    stream_.level = level;
    stream_.level_buf = tables_.data();
    stream_.level_buf_size = static_cast<std::uint32_t>(tables_.size());
    stream_.hist_bits = window_bits;
    stream_.flush = SYNC_FLUSH;
    stream_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(payload.data()));
    stream_.avail_in = static_cast<std::uint32_t>(payload.size());
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.prepare(room));
    stream_.avail_out = static_cast<std::uint32_t>(room);
    if (isal_deflate(&stream_) != COMP_OK || stream_.avail_out == 0) {
      return false;
    }
    const std::size_t made = room - stream_.avail_out;
    RINGHORN_ASSERT(stream_.avail_in == 0 && made >= tail.size());
    out.commit(made - tail.size());
    return true;
  }

 private:
  // Level 2 makes hardly less in the same time, level 3 takes three times as long for 11 % less.
  static constexpr std::uint32_t level = 1;
  static constexpr std::size_t room_for_counts = 0xFFFF0000;  // they have 32 bits

  isal_zstream stream_{};
  std::array<std::uint8_t, ISAL_DEF_LVL1_DEFAULT> tables_;
};

/// The last message that was compressed for one window size.
struct DeflatePool::Last {
  base::ByteBuffer payload;
  base::ByteBuffer result;  ///< empty: it would not be shorter
};

DeflatePool::DeflatePool() {
  spare_.reserve(spare_inflaters);
}
DeflatePool::~DeflatePool() = default;

std::unique_ptr<Inflater> DeflatePool::take_inflater() {
  std::unique_ptr<Inflater> inflater;
  if (spare_.empty()) {
    inflater = std::make_unique<Inflater>();
  } else {
    inflater = std::move(spare_.back());
    spare_.pop_back();
  }
  inflater->start();
  return inflater;
}

void DeflatePool::give_back(std::unique_ptr<Inflater> inflater) noexcept {
  if (spare_.size() < spare_inflaters) {
    spare_.push_back(std::move(inflater));
  }
}

bool DeflatePool::compress(std::string_view payload, std::uint8_t window_bits,
                           base::ByteBuffer& out) {
  RINGHORN_ASSERT(window_bits >= window_bits_min && window_bits <= 15);
  // A window larger than the message gains nothing, and what all can read is made only once.
  const auto needed = static_cast<std::uint8_t>(std::bit_width(payload.size()));
  window_bits = std::clamp(needed, window_bits_min, window_bits);
  if (payload.size() > shared_bytes_max) {
    return run(payload, window_bits, out);
  }
  std::unique_ptr<Last>& last = last_[window_bits];
  if (last != nullptr && payload == last->payload.view()) {
    out.append(last->result.view());
    return !last->result.empty();
  }
  if (last == nullptr) {
    last = std::make_unique<Last>();
  }
  const std::size_t before = out.size();
  const bool shorter = run(payload, window_bits, out);
  last->payload.clear();
  last->result.clear();
  last->payload.append(payload);
  last->result.append(out.view().substr(before));
  return shorter;
}

bool DeflatePool::run(std::string_view payload, std::uint8_t window_bits, base::ByteBuffer& out) {
  if (compressor_ == nullptr) {
    compressor_ = std::make_unique<Compressor>();
  }
  ++compressed_count_;
  return compressor_->run(payload, window_bits, out);
}

}  // namespace ringhorn::ws
