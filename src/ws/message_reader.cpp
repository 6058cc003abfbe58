#include <ringhorn/ws/message_reader.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

namespace ringhorn::ws {

namespace {

constexpr unsigned fin_bit = 0x80;
constexpr unsigned rsv1_bit = 0x40;
constexpr unsigned other_rsv_bits = 0x30;
constexpr unsigned opcode_bits = 0x0F;
constexpr unsigned mask_bit = 0x80;
constexpr unsigned length_bits = 0x7F;

constexpr unsigned octet(char c) {
  return static_cast<unsigned char>(c);
}

/// The size of a masked head whose second byte this is.
constexpr std::size_t head_size(unsigned second) {
  const unsigned length = second & length_bits;
  return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + sizeof(Mask);
}

constexpr bool is_control(Opcode opcode) {
  return opcode >= Opcode::close;
}

std::uint64_t read_number(const char* bytes, int count) {
  std::uint64_t number = 0;
  for (int i = 0; i < count; ++i) {
    number = number << 8 | octet(bytes[i]);
  }
  return number;
}

/// How much a compressed message may be at most: what it says has `inflated_max` bytes, and what
/// does not compress grows a little. Beyond that it only keeps us busy.
std::uint64_t deflated_bytes_max(std::uint64_t inflated_max) {
  return inflated_max + inflated_max / 8 + 1024;
}

/// A limit that nothing reaches, with room for sums.
constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max() / 4;

std::string_view view(std::span<const char> bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

MessageReader::MessageReader(std::uint64_t message_bytes_max) noexcept
    : message_bytes_max_(message_bytes_max == 0 ? no_limit
                                                : std::min(message_bytes_max, no_limit)) {}

MessageReader::MessageReader(std::uint64_t message_bytes_max, DeflatePool& pool,
                             const DeflateAgreement& agreement) noexcept
    : message_bytes_max_(message_bytes_max == 0 ? no_limit : std::min(message_bytes_max, no_limit)),
      pool_(agreement.enabled ? &pool : nullptr) {}

MessageReader::~MessageReader() {
  if (inflater_ != nullptr) {
    pool_->give_back(std::move(inflater_));
  }
}

MessageReader::Step MessageReader::next(std::span<char> unread) {
  const std::size_t given = unread.size();
  release_delivered();
  Event event = Event::need_more;
  while (state_ == State::reading && event == Event::need_more) {
    if (!in_payload_) {
      const Progress progress = read_head(unread);
      if (progress == Progress::stalled) {
        break;
      }
      if (progress == Progress::failed) {
        continue;
      }
    }
    const std::size_t size = std::min<std::uint64_t>(payload_left_, unread.size());
    const std::span<char> piece = unread.first(size);
    if (size == 0 && payload_left_ > 0) {
      break;
    }
    mask_ = apply_mask(piece.data(), size, mask_);
    payload_left_ -= size;
    in_payload_ = payload_left_ > 0;
    unread = unread.subspan(size);
    event = is_control(opcode_) ? read_control(piece) : read_data(piece);
  }
  if (state_ == State::failed) {
    return {Event::error, given};
  }
  const bool ignored = state_ == State::closed;
  return {event, ignored ? given : given - unread.size()};
}

/// What the last event's views pointed to, if it is not needed for the next.
void MessageReader::release_delivered() noexcept {
  if (!message_begun_ && gathered_.capacity() > 0) {
    gathered_.release();
  }
  if (!control_.empty() && !(in_payload_ && is_control(opcode_))) {
    control_.release();
  }
}

MessageReader::Progress MessageReader::read_head(std::span<char>& unread) {
  if (head_bytes_ == 0 && unread.size() >= 2) {
    const unsigned second = octet(unread[1]);
    const std::size_t size = head_size(second);
    if (!check_start(octet(unread[0]), second)) {
      return Progress::failed;
    }
    if (unread.size() >= size) {
      const char* const head = unread.data();
      unread = unread.subspan(size);
      return begin_frame(head);
    }
  }
  while (!unread.empty()) {
    head_[head_bytes_++] = unread.front();
    unread = unread.subspan(1);
    if (head_bytes_ == 2 && !check_start(octet(head_[0]), octet(head_[1]))) {
      return Progress::failed;
    }
    if (head_bytes_ >= 2 && head_bytes_ == head_size(octet(head_[1]))) {
      head_bytes_ = 0;
      return begin_frame(head_.data());
    }
  }
  return Progress::stalled;
}

bool MessageReader::check_start(unsigned first, unsigned second) noexcept {
  const auto opcode = static_cast<Opcode>(first & opcode_bits);
  switch (opcode) {
    case Opcode::text:
    case Opcode::binary:
      if (message_begun_) {
        return refuse(close_protocol_error, "a new message inside a fragmented one");
      }
      break;
    case Opcode::continuation:
      if (!message_begun_) {
        return refuse(close_protocol_error, "a continuation of no message");
      }
      break;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      if ((first & fin_bit) == 0) {
        return refuse(close_protocol_error, "a fragmented control frame");
      }
      if ((second & length_bits) > control_payload_bytes_max) {
        return refuse(close_protocol_error, "a control frame of more than 125 bytes");
      }
      break;
    default:
      return refuse(close_protocol_error, "a reserved opcode");
  }
  const bool starts_message = opcode == Opcode::text || opcode == Opcode::binary;
  const unsigned known_bits = starts_message && pool_ != nullptr ? rsv1_bit : 0;
  if ((first & (other_rsv_bits | rsv1_bit) & ~known_bits) != 0) {
    return refuse(close_protocol_error, "a reserved bit is set");
  }
  if ((second & mask_bit) == 0) {
    return refuse(close_protocol_error, "a frame without a mask");
  }
  return true;
}

MessageReader::Progress MessageReader::begin_frame(const char* head) {
  const unsigned first = octet(head[0]);
  std::uint64_t length = octet(head[1]) & length_bits;
  const char* mask = head + 2;
  if (length >= 126) {
    const int size = length == 126 ? 2 : 8;
    const std::uint64_t least = length == 126 ? 126 : 0x10000;
    length = read_number(mask, size);
    mask += size;
    if (length < least || length >> 63 != 0) {
      refuse(close_protocol_error, "a length that is not written in the fewest bytes");
      return Progress::failed;
    }
  }
  std::memcpy(&mask_, mask, sizeof mask_);
  opcode_ = static_cast<Opcode>(first & opcode_bits);
  payload_left_ = length;
  in_payload_ = true;
  if (is_control(opcode_)) {
    return Progress::done;
  }
  final_ = (first & fin_bit) != 0;
  if (opcode_ != Opcode::continuation) {
    message_.kind = static_cast<MessageKind>(opcode_);
    message_begun_ = true;
    deflated_ = (first & rsv1_bit) != 0;
    utf8_.reset();
    deflated_bytes_ = 0;
  }
  // Told by the length alone: bytes that would be thrown away are not waited for.
  const std::uint64_t before = deflated_ ? deflated_bytes_ : gathered_.size();
  const std::uint64_t most =
      deflated_ ? deflated_bytes_max(message_bytes_max_) : message_bytes_max_;
  if (length > most - before) {
    refuse(close_too_big, "message too big");
    return Progress::failed;
  }
  deflated_bytes_ += length;
  return Progress::done;
}

MessageReader::Event MessageReader::read_control(std::span<char> piece) {
  std::string_view payload = view(piece);
  if (in_payload_ || !control_.empty()) {
    control_.append(payload);
    payload = control_.view();
  }
  if (in_payload_) {
    return Event::need_more;
  }
  message_.payload = payload;
  if (opcode_ == Opcode::close) {
    return read_close(payload);
  }
  return opcode_ == Opcode::ping ? Event::ping : Event::pong;
}

MessageReader::Event MessageReader::read_close(std::string_view payload) {
  close_ = CloseFrame();
  if (payload.size() == 1) {
    refuse(close_protocol_error, "a close code of one byte");
    return Event::error;
  }
  if (!payload.empty()) {
    close_.code = static_cast<std::uint16_t>(read_number(payload.data(), 2));
    close_.reason = payload.substr(2);
    if (!may_be_sent(close_.code)) {
      refuse(close_protocol_error, "a close code that may not be sent");
      return Event::error;
    }
    if (!is_utf8(close_.reason)) {
      refuse(close_bad_data, "a close reason that is not UTF-8");
      return Event::error;
    }
  }
  state_ = State::closed;
  return Event::close;
}

MessageReader::Event MessageReader::read_data(std::span<char> piece) {
  const bool last = final_ && !in_payload_;
  if (deflated_) {
    if (!inflate(view(piece), last)) {
      return Event::error;
    }
    return last ? end_message(gathered_.view()) : Event::need_more;
  }
  if (!check_text(view(piece))) {
    return Event::error;
  }
  if (last && gathered_.empty()) {
    return end_message(view(piece));
  }
  // Room for some of what is announced spares copies; more would be memory for an announcement.
  gathered_.prepare(piece.size() + std::min<std::uint64_t>(payload_left_, 3 * piece.size()));
  gathered_.append(view(piece));
  return last ? end_message(gathered_.view()) : Event::need_more;
}

bool MessageReader::inflate(std::string_view piece, bool last) {
  if (inflater_ == nullptr) {
    inflater_ = pool_->take_inflater();
  }
  const std::size_t before = gathered_.size();
  Inflater::Result result = inflater_->feed(piece, gathered_, message_bytes_max_);
  if (result == Inflater::Result::done && last) {
    result = inflater_->finish(gathered_, message_bytes_max_);
  }
  // What came out before a fault is looked at first: so the fault does not depend on the cuts.
  if (!check_text(gathered_.view().substr(before))) {
    return false;
  }
  switch (result) {
    case Inflater::Result::done:
      break;
    case Inflater::Result::too_big:
      return refuse(close_too_big, "message too big");
    case Inflater::Result::bad:
      return refuse(close_bad_data, "a message that cannot be inflated");
    case Inflater::Result::no_memory:
      return refuse(close_internal_error, "no memory to inflate a message");
  }
  if (last) {
    pool_->give_back(std::move(inflater_));
  }
  return true;
}

bool MessageReader::check_text(std::string_view added) noexcept {
  if (message_.kind == MessageKind::text && !utf8_.feed(added)) {
    return refuse(close_bad_data, "a text that is not UTF-8");
  }
  return true;
}

MessageReader::Event MessageReader::end_message(std::string_view payload) {
  const bool text = message_.kind == MessageKind::text;
  if (text && !utf8_.complete()) {
    refuse(close_bad_data, "a text that ends within a character");
    return Event::error;
  }
  message_begun_ = false;
  message_.payload = payload;
  message_.ascii = text && utf8_.ascii();
  return Event::message;
}

bool MessageReader::refuse(std::uint16_t code, const char* reason) noexcept {
  fault_ = {code, reason};
  state_ = State::failed;
  gathered_.release();
  if (inflater_ != nullptr) {
    pool_->give_back(std::move(inflater_));
  }
  return false;
}

}  // namespace ringhorn::ws
