#include <ringhorn/net/exchange.hpp>

#include <utility>

#include "connection.hpp"
#include "session.hpp"

namespace ringhorn::net {

const http::RequestHead& Exchange::head() const noexcept {
  return session_->head();
}

Peer Exchange::peer() const noexcept {
  return session_->connection().peer();
}

base::Attachment& Exchange::attachment() noexcept {
  return session_->connection().attachment();
}

void Exchange::attach(RequestHandler& handler) noexcept {
  session_->attach(handler);
}

bool Exchange::body_complete() const noexcept {
  return session_->body().complete();
}

bool Exchange::body_ready() const noexcept {
  return session_->body().ready();
}

std::size_t Exchange::body_bytes_ready() const noexcept {
  return session_->body().held();
}

Exchange::Body Exchange::take_body() {
  const RequestBody::Taken taken = session_->take_body();
  return {taken.pieces, taken.size, taken.more};
}

void Exchange::await_body() {
  session_->await_body();
}

void Exchange::begin_response(int status, bool announces_trailers) {
  session_->begin_response(status, announces_trailers ? Trailers::announced : Trailers::none);
}

bool Exchange::response_begun() const noexcept {
  return session_->response().begun();
}

http::FieldError Exchange::add_field(std::string_view name, std::string_view value) {
  return session_->add_field(name, value);
}

SendResult Exchange::send_body(std::string_view bytes, bool last) {
  return session_->send_body(bytes, last);
}

SendResult Exchange::send_body(base::OwnedSlice bytes, bool last) {
  return session_->send_body(std::move(bytes), last);
}

void Exchange::send_trailers(std::string_view field_lines) {
  session_->send_trailers(field_lines);
}

bool Exchange::awaits_trailers() const noexcept {
  return session_->response().awaits_trailers();
}

void Exchange::begin_upgrade() {
  session_->begin_upgrade();
}

WebSocket* Exchange::upgrade(WebSocketHandler& handler) {
  return session_->upgrade(handler);
}

void Exchange::fail() {
  session_->fail();
}

void Exchange::abort() {
  session_->abort();
}

bool Exchange::peer_finished() const noexcept {
  return session_->peer_finished();
}

}  // namespace ringhorn::net
