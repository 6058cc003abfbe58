#include "response.hpp"

#include <optional>
#include <utility>

#include <ringhorn/base/assert.hpp>
#include <ringhorn/net/exchange.hpp>

namespace ringhorn::net {

void Response::reset() noexcept {
  head_.clear();
  begun_ = head_sent_ = body_ended_ = false;
  trailers_ = Trailers::none;
}

void Response::begin(int status, const http::ResponseContext& context, Trailers trailers,
                     base::Nanoseconds now_ns) {
  RINGHORN_ASSERT(!begun_);
  head_.clear();
  writer_.begin(head_, status, context);
  block_offset_ = head_.size();
  writer_.add_block(fields_->view(now_ns));
  trailers_ = trailers;
  takes_trailers_ = context.trailers;
  begun_ = true;
}

void Response::send_head(OutputQueue& out, std::uint64_t first_bytes, bool last) {
  // The block was written before we knew the application's own fields: its values win, once each
  // (the server line stands behind the date line, so it goes first).
  if (writer_.has_server() && fields_->server_line().size > 0) {
    drop_line(head_, block_offset_, fields_->server_line());
  }
  if (writer_.has_date() && fields_->date_line().size > 0) {
    drop_line(head_, block_offset_, fields_->date_line());
  }
  std::optional<std::uint64_t> whole;
  if (last && trailers_ == Trailers::none) {
    whole = first_bytes;
  }
  writer_.end_head(whole);
  out.tail().append(head_.view());
  head_sent_ = true;
}

Response::Fit Response::send(OutputQueue& out, std::string_view bytes, bool last) {
  RINGHORN_ASSERT(begun_ && !body_ended_);
  if (!head_sent_) {
    send_head(out, bytes.size(), last);
  }
  Fit fit = Fit::exact;
  if (!bytes.empty()) {
    base::ByteBuffer& tail = out.tail();
    const auto size = static_cast<std::size_t>(writer_.frame_body(tail, bytes.size()));
    if (size > 0) {
      tail.append(bytes.substr(0, size));
      writer_.close_frame(tail);
    }
    fit = size < bytes.size() && writer_.body_allowed() ? Fit::too_long : Fit::exact;
  }
  return end(out, last, fit);
}

Response::Fit Response::send(OutputQueue& out, base::OwnedSlice bytes, bool last) {
  const std::string_view view = bytes.bytes();
  if (view.size() < Exchange::by_reference_bytes_min) {
    return send(out, view, last);
  }
  RINGHORN_ASSERT(begun_ && !body_ended_);
  if (!head_sent_) {
    send_head(out, view.size(), last);
  }
  const auto size = static_cast<std::size_t>(writer_.frame_body(out.tail(), view.size()));
  if (size > 0) {
    out.append(std::move(bytes), size);
    writer_.close_frame(out.tail());
  }
  const bool excess = size < view.size() && writer_.body_allowed();
  return end(out, last, excess ? Fit::too_long : Fit::exact);
}

Response::Fit Response::end(OutputQueue& out, bool last, Fit fit) {
  if (!last) {
    return fit;
  }
  body_ended_ = true;
  if (trailers_ == Trailers::announced) {
    return fit;
  }
  // A response to HEAD may declare the length that GET would have and send nothing.
  const bool whole = writer_.end_body(out.tail()) || !writer_.body_allowed();
  return fit == Fit::exact && !whole ? Fit::too_short : fit;
}

void Response::send_trailers(OutputQueue& out, std::string_view field_lines) {
  RINGHORN_ASSERT(awaits_trailers());
  trailers_ = Trailers::none;
  writer_.end_body(out.tail(), takes_trailers_ ? field_lines : std::string_view{});
}

}  // namespace ringhorn::net
