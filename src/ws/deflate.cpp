#include <ringhorn/ws/deflate.hpp>

#include <algorithm>
#include <utility>

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

/// A zlib stream for one window size, made ready again for each message.
class DeflatePool::Compressor {
 public:
  explicit Compressor(int window_bits) {
    // 2026-11-21, JSON of 64 KiB: level 1 takes 128 us and makes 11,191 bytes, level 3 takes 214
    // and makes 9,698, level 6 takes 523 and makes 8,862; for C++ it is 402, 650 and 1,611 us. At 4
    // KiB levels 1 and 3 are equal within 3 %. The memory for hashes follows the window: it is
    // cleared for each message.
    constexpr int level = 1;
    const int memory_level = std::clamp(window_bits - 7, 2, 8);
    ready_ = deflateInit2(&z_, level, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY) ==
             Z_OK;
  }
  ~Compressor() {
    if (ready_) {
      deflateEnd(&z_);
    }
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  /// As DeflatePool::compress.
  bool compress(std::string_view payload, base::ByteBuffer& out) {
    if (has_last_ && payload == last_payload_.view()) {
      out.append(last_result_.view());
      return !last_result_.empty();
    }
    const std::size_t before = out.size();
    const bool shorter = run(payload, out);
    has_last_ = payload.size() <= shared_bytes_max;
    if (has_last_) {
      last_payload_.clear();
      last_result_.clear();
      last_payload_.append(payload);
      last_result_.append(out.view().substr(before));
    }
    return shorter;
  }
  std::uint64_t run_count() const { return run_count_; }

 private:
  bool run(std::string_view payload, base::ByteBuffer& out) {
    ++run_count_;
    if (!ready_ || payload.empty() || payload.size() > room_for_zlib) {
      return false;
    }
    // With all of this used up it would not be shorter.
    const std::size_t room = payload.size() + tail.size();
    deflateReset(&z_);
    z_.next_in = input_of(payload);
    z_.avail_in = static_cast<uInt>(payload.size());
    z_.next_out = reinterpret_cast<Bytef*>(out.prepare(room));
    z_.avail_out = static_cast<uInt>(room);
    const int status = deflate(&z_, Z_SYNC_FLUSH);
    if (status != Z_OK || z_.avail_out == 0) {
      return false;
    }
    const std::size_t made = room - z_.avail_out;
    RINGHORN_ASSERT(made >= tail.size());
    out.commit(made - tail.size());
    return true;
  }

  static constexpr std::size_t room_for_zlib = 0xFFFF0000;  // its counts have 32 bits

  z_stream z_{};
  bool ready_ = false;
  bool has_last_ = false;
  base::ByteBuffer last_payload_;
  base::ByteBuffer last_result_;  // empty: it would not be shorter
  std::uint64_t run_count_ = 0;
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
  // A short message gains nothing from a large window.
  constexpr std::size_t short_bytes_max = 4096;
  constexpr std::uint8_t short_window_bits = 12;
  if (payload.size() <= short_bytes_max) {
    window_bits = std::min(window_bits, short_window_bits);
  }
  RINGHORN_ASSERT(window_bits >= 9 && window_bits <= 15);
  std::unique_ptr<Compressor>& compressor = compressors_[window_bits];
  if (compressor == nullptr) {
    compressor = std::make_unique<Compressor>(window_bits);
  }
  return compressor->compress(payload, out);
}

std::uint64_t DeflatePool::compressed_count() const noexcept {
  std::uint64_t count = 0;
  for (const std::unique_ptr<Compressor>& compressor : compressors_) {
    count += compressor == nullptr ? 0 : compressor->run_count();
  }
  return count;
}

}  // namespace ringhorn::ws
