#include "request_body.hpp"

#include <cstring>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::net {

void RequestBody::open(const http::RequestHead& head) noexcept {
  RINGHORN_ASSERT(held() == 0);
  framing_ = head.framing;
  declared_ = framing_ == http::Framing::content_length ? head.content_length : 0;
  seen_ = 0;
  ended_ = framing_ == http::Framing::none;
  end_taken_ = false;
}

RequestBody::Progress RequestBody::gather(http::RequestParser& parser, std::span<char>& unread,
                                          std::size_t held_bytes_max) {
  RINGHORN_ASSERT(!ended_);
  while (held() < held_bytes_max) {
    const http::RequestParser::Step step = parser.next(unread);
    unread = unread.subspan(step.consumed);
    switch (step.event) {
      case http::RequestParser::Event::body:
        add(parser.body());
        break;
      case http::RequestParser::Event::need_more:
        return Progress::starved;
      case http::RequestParser::Event::end:
        ended_ = true;
        return Progress::ended;
      case http::RequestParser::Event::error:
        return Progress::failed;
      case http::RequestParser::Event::head:
        RINGHORN_ASSERT(step.event != http::RequestParser::Event::head);
    }
  }
  return Progress::full;
}

void RequestBody::add(std::string_view piece) {
  seen_ += piece.size();
  if (!kept_.empty()) {
    kept_.append(piece);
    return;
  }
  // The parser's views lie inside the span that we gave it, which may be written to.
  char* data = const_cast<char*>(piece.data());
  if (direct_.empty()) {
    direct_ = {data, piece.size()};
    return;
  }
  std::memmove(direct_.data() + direct_.size(), data, piece.size());
  direct_ = {direct_.data(), direct_.size() + piece.size()};
}

void RequestBody::keep() {
  if (!direct_.empty()) {
    RINGHORN_ASSERT(kept_.empty());
    kept_.append({direct_.data(), direct_.size()});
    direct_ = {};
  }
}

RequestBody::Taken RequestBody::take() {
  RINGHORN_ASSERT(ready());
  std::string_view bytes;
  if (!direct_.empty()) {
    bytes = {direct_.data(), direct_.size()};
    direct_ = {};
  } else {
    // Two buffers take turns: the bytes given live until the next call into the exchange.
    given_.clear();
    given_.swap(kept_);
    bytes = given_.view();
  }
  end_taken_ = ended_;
  return {bytes, !ended_};
}

std::uint64_t RequestBody::left() const noexcept {
  return framing_ == http::Framing::content_length ? declared_ - seen_ : 0;
}

void RequestBody::close() noexcept {
  direct_ = {};
  kept_.clear();
  given_.clear();
  // Many connections share few sessions, but a session must not keep one upload's memory for ever.
  constexpr std::size_t kept_bytes_max = 32768;
  if (kept_.capacity() > kept_bytes_max) {
    kept_.release();
  }
  if (given_.capacity() > kept_bytes_max) {
    given_.release();
  }
}

}  // namespace ringhorn::net
