#include "settings.hpp"

namespace ringhorn::worker {

net::Settings make_net_settings(const config::Options& options) {
  net::Settings settings;
  settings.limits.request_line_bytes_max = options.limit_request_line;
  settings.limits.field_count_max = options.limit_header_count;
  settings.limits.head_bytes_max = options.limit_header_size;
  settings.limits.field_bytes_max = options.limit_header_field_size;
  settings.limits.body_bytes_max = options.limit_body;
  settings.keep_alive_ns = to_ns(options.timeout_keep_alive);
  settings.header_ns = to_ns(options.timeout_header);
  settings.body_ns = to_ns(options.timeout_body);
  settings.body_rate_min = options.limit_body_rate;
  settings.write_ns = to_ns(options.timeout_write);
  settings.web_socket.enabled = options.ws == config::WebSockets::automatic;
  settings.web_socket.deflate = options.ws_per_message_deflate;
  settings.web_socket.compressed_bytes_min = options.ws_compress_min_size;
  settings.web_socket.message_bytes_max = options.ws_max_size;
  settings.web_socket.handshake_ns = to_ns(options.timeout_ws_handshake);
  settings.web_socket.ping_interval_ns = to_ns(options.ws_ping_interval);
  settings.web_socket.ping_timeout_ns = to_ns(options.ws_ping_timeout);
  settings.web_socket.close_ns = to_ns(options.timeout_ws_close);
  settings.concurrency_max = options.limit_concurrency.value_or(0);
  settings.access_log = options.access_log;
  settings.health_path = options.health_check_path;
  settings.date_header = options.date_header;
  if (!options.server_header) {
    settings.server_header.clear();
  }
  for (const auto& [name, value] : options.headers) {
    settings.extra_fields += name + ": " + value + "\r\n";
  }
  return settings;
}

asgi::LifespanMode make_lifespan_mode(config::Lifespan lifespan) {
  switch (lifespan) {
    case config::Lifespan::on:
      return asgi::LifespanMode::on;
    case config::Lifespan::off:
      return asgi::LifespanMode::off;
    case config::Lifespan::automatic:
      break;
  }
  return asgi::LifespanMode::automatic;
}

io::Backend make_backend(config::Io io) {
  switch (io) {
    case config::Io::uring:
      return io::Backend::uring;
    case config::Io::epoll:
      return io::Backend::epoll;
    case config::Io::automatic:
      break;
  }
  return io::Backend::automatic;
}

}  // namespace ringhorn::worker
