// The health path: answered here, so that it says how the server is and not how busy its
// application is.
#include "connection.hpp"
#include "server_state.hpp"
#include "session.hpp"

namespace ringhorn::net {

bool Session::asks_for_health(const http::RequestHead& head) const noexcept {
  const std::string& path = server_->settings().health_path;
  return !path.empty() && head.path == path && (head.method == "GET" || head.method == "HEAD");
}

/// No access line, no count of requests, no limit: whoever asks every second is no user.
void Session::answer_health() {
  connection_->count_as(Load::probe);
  const bool leaving = server_->leaving();
  response_.begin(leaving ? 503 : 200, response_context(), Trailers::none, server_->now_ns());
  response_.add_field("content-type", "text/plain; charset=utf-8");
  response_.add_field("cache-control", "no-store");
  if (must_close(true)) {
    response_.forbid_keep_alive();
  }
  response_.send(connection_->output(), std::string_view(leaving ? "draining\n" : "ok\n"), true);
  connection_->want_flush();
  go_on();
}

}  // namespace ringhorn::net
