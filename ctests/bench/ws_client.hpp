/// The client's side of a WebSocket for ws_load: the messages that it sends, made ready once, and
/// what a server sends, checked byte for byte. It trusts nobody's reader but its own: a server may
/// compress, fragment and ping as it likes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/ws/frame.hpp>
#include <ringhorn/ws/handshake.hpp>

#include <zlib.h>

namespace bench {

/// What the server agreed on about permessage-deflate.
struct Deflate {
  bool enabled = false;
  bool server_takeover = true;  ///< a message may point back into the one before
  int client_window_bits = 15;
};

/// A masked frame with the whole payload.
inline std::string client_frame(unsigned first_byte, std::string_view payload) {
  char head[ringhorn::ws::client_head_bytes_max];
  const std::size_t bare =
      ringhorn::ws::write_frame_head(head, ringhorn::ws::Opcode::text, payload.size());
  head[0] = static_cast<char>(first_byte);
  head[1] = static_cast<char>(head[1] | 0x80);
  constexpr std::string_view mask_bytes = "\x9a\x3c\x51\xe7";
  ringhorn::ws::Mask mask;
  mask_bytes.copy(reinterpret_cast<char*>(&mask), sizeof mask);
  std::string frame(head, bare);
  frame += mask_bytes;
  frame += payload;
  ringhorn::ws::apply_mask(frame.data() + bare + sizeof mask, payload.size(), mask);
  return frame;
}

/// Deflates a message as a client does that takes no context over: any server can read it.
inline std::string deflate_message(std::string_view payload, int window_bits) {
  z_stream z{};
  ::deflateInit2(&z, 6, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&z, static_cast<uLong>(payload.size())) + 16, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
  z.avail_in = static_cast<uInt>(payload.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  ::deflate(&z, Z_SYNC_FLUSH);
  out.resize(out.size() - z.avail_out - 4);
  ::deflateEnd(&z);
  return out;
}

/// The messages of a run: different ones of one size, so that no server can answer out of a cache.
class Messages {
 public:
  static constexpr std::size_t count = 61;

  Messages(std::size_t bytes, bool text) : first_byte_(text ? 0x81 : 0x82) {
    for (std::size_t i = 0; i < count; ++i) {
      std::string payload;
      for (std::size_t line = i; payload.size() < bytes; line += count) {
        payload += std::to_string(line * 2654435761U % 1000003) +
                   ", \"price\": " + std::to_string(line % 89) + ", \"user\": \"number " +
                   std::to_string(i) + "\", \"id\": ";
      }
      payload.resize(bytes);
      payloads_.push_back(payload);
    }
    make_frames({});
  }
  /// Frames as this agreement has them. REQUIRES: no frame is being sent
  void make_frames(const Deflate& deflate) {
    frames_.clear();
    for (const std::string& payload : payloads_) {
      const std::string deflated =
          deflate.enabled ? deflate_message(payload, deflate.client_window_bits) : std::string();
      frames_.push_back(deflated.empty() ? client_frame(first_byte_, payload)
                                         : client_frame(first_byte_ | 0x40, deflated));
    }
  }
  std::string_view payload(std::size_t i) const { return payloads_[i % count]; }
  std::string_view frame(std::size_t i) const { return frames_[i % count]; }
  unsigned opcode() const { return first_byte_ & 15; }

 private:
  unsigned first_byte_;
  std::vector<std::string> payloads_;
  std::vector<std::string> frames_;
};

/// Reads frames of a server from bytes that may be cut anywhere.
class Incoming {
 public:
  struct Message {
    unsigned opcode;
    std::string_view payload;
  };

  ~Incoming() {
    if (z_ != nullptr) {
      ::inflateEnd(z_.get());
    }
  }
  void agree(const Deflate& deflate) { deflate_ = deflate; }
  /// What was wrong, or null. After it nothing is read.
  const char* fault() const { return fault_; }

  /// Takes bytes from the front and calls `on_message` for each message and control frame in them.
  template <typename OnMessage>
  void feed(std::string_view bytes, OnMessage on_message) {
    while (!bytes.empty() && fault_ == nullptr) {
      if (!in_payload_ && !take_head(bytes)) {
        return;
      }
      const std::string_view piece = bytes.substr(0, left_);
      bytes.remove_prefix(piece.size());
      left_ -= piece.size();
      in_payload_ = left_ > 0;
      if ((first_ & 0x08) != 0) {
        control_ += piece;
        if (!in_payload_) {
          on_message(Message{first_ & 15, control_});
          control_.clear();
        }
      } else if (const Message* const message = take_data(piece)) {
        on_message(*message);
        gathered_.clear();
      }
    }
  }

 private:
  /// True when a whole head was there.
  bool take_head(std::string_view& bytes) {
    while (!bytes.empty()) {
      head_ += bytes.front();
      bytes.remove_prefix(1);
      if (head_.size() < 2) {
        continue;
      }
      const auto octet = [this](std::size_t at) { return static_cast<unsigned char>(head_[at]); };
      const unsigned length = octet(1);
      const std::size_t head_bytes = length < 126 ? 2 : length == 126 ? 4 : 10;
      if (head_.size() < head_bytes) {
        continue;
      }
      first_ = octet(0);
      left_ = length < 126 ? length : 0;
      for (std::size_t at = 2; at < head_bytes; ++at) {
        left_ = left_ << 8 | octet(at);
      }
      head_.clear();
      in_payload_ = true;
      if (length > 127) {
        fault_ = "a masked frame from the server";
      }
      return true;
    }
    return false;
  }

  /// A whole message, when the piece ends one. Without need it is not copied.
  const Message* take_data(std::string_view piece) {
    if ((first_ & 15) != 0 && !begun_) {
      begun_ = true;
      compressed_ = (first_ & 0x40) != 0;
      message_.opcode = first_ & 15;
    }
    const bool last = !in_payload_ && (first_ & 0x80) != 0;
    if (!last || !gathered_.empty()) {
      gathered_ += piece;
    }
    if (!last) {
      return nullptr;
    }
    begun_ = false;
    message_.payload = gathered_.empty() ? piece : std::string_view(gathered_);
    if (compressed_) {
      inflate();
    }
    return &message_;
  }

  void inflate() {
    if (!deflate_.enabled) {
      fault_ = "a compressed message that was not agreed on";
      return;
    }
    if (z_ == nullptr) {
      z_ = std::make_unique<z_stream>();
      ::inflateInit2(z_.get(), -15);
    } else if (!deflate_.server_takeover) {
      ::inflateReset(z_.get());
    }
    inflated_.clear();
    for (const std::string_view part : {message_.payload, std::string_view("\0\0\xff\xff", 4)}) {
      z_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      z_->avail_in = static_cast<uInt>(part.size());
      do {
        const std::size_t before = inflated_.size();
        inflated_.resize(before + 65536);
        z_->next_out = reinterpret_cast<Bytef*>(inflated_.data() + before);
        z_->avail_out = 65536;
        const int status = ::inflate(z_.get(), Z_SYNC_FLUSH);
        inflated_.resize(inflated_.size() - z_->avail_out);
        if (status != Z_OK && status != Z_BUF_ERROR) {
          fault_ = "a message that cannot be inflated";
          return;
        }
      } while (z_->avail_out == 0);
    }
    message_.payload = inflated_;
  }

  Deflate deflate_;
  const char* fault_ = nullptr;
  std::string head_;
  bool in_payload_ = false;
  unsigned first_ = 0;
  std::uint64_t left_ = 0;
  bool begun_ = false;
  bool compressed_ = false;
  std::string gathered_;
  std::string control_;
  std::string inflated_;
  std::unique_ptr<z_stream> z_;
  Message message_{};
};

}  // namespace bench
