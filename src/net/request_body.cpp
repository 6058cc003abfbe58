#include "request_body.hpp"

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
  direct_.push_back(piece);
  direct_bytes_ += piece.size();
}

void RequestBody::keep() {
  if (direct_bytes_ > 0) {
    RINGHORN_ASSERT(kept_.empty());
    kept_.prepare(direct_bytes_);
    for (const std::string_view piece : direct_) {
      kept_.append(piece);
    }
    drop_direct();
  }
}

RequestBody::Taken RequestBody::take() {
  RINGHORN_ASSERT(ready());
  const std::size_t size = held();
  // Buffers take turns: what is given lives until the next call into the exchange.
  given_pieces_.clear();
  given_.clear();
  if (direct_bytes_ > 0) {
    given_pieces_.swap(direct_);
    direct_bytes_ = 0;
  } else if (size > 0) {
    given_.swap(kept_);
    given_pieces_.push_back(given_.view());
  }
  end_taken_ = ended_;
  return {given_pieces_, size, !ended_};
}

void RequestBody::drop_direct() noexcept {
  direct_.clear();
  direct_bytes_ = 0;
}

std::uint64_t RequestBody::left() const noexcept {
  return framing_ == http::Framing::content_length ? declared_ - seen_ : 0;
}

void RequestBody::close() noexcept {
  drop_direct();
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
