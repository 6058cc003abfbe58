#include "config/option_table.hpp"

#include <set>
#include <string>

#include "config/unavailable.hpp"
#include "support/catch.hpp"

using namespace ringhorn::config;

TEST_CASE("option table names every option once and no unavailable one", "[config]") {
  std::set<std::string_view> names;
  for (const OptionRow& row : option_table()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK((row.negative.empty() || names.insert(row.negative).second));
    CHECK(find_unavailable(row.name) == nullptr);
    CHECK(find_option(row.name) == &row);
  }
  CHECK(find_option("frobnicate") == nullptr);
  CHECK(names.size() >= option_table().size());
}

TEST_CASE("option table says how to read whatever can be set", "[config]") {
  for (const OptionRow& row : option_table()) {
    CAPTURE(row.name);
    const bool action = row.kind == Kind::action;
    CHECK((row.read == nullptr) == action);
    CHECK(row.expected.empty() == action);
    CHECK(variable_of(row).empty() == action);
    CHECK(row.help.back() == '.');
    CHECK(row.metavar.empty() == (action || row.kind == Kind::flag));
  }
}

namespace {

/// Every member that has a default to show, with another value.
Options different() {
  Options options;
  options.host = "x";
  options.port = 1;
  options.backlog = 1;
  options.uds_mode = 1;
  options.factory = true;
  options.lifespan = Lifespan::off;
  options.io = Io::epoll;
  options.loop = "x:y";
  options.log_level = LogLevel::trace;
  options.access_log = options.server_header = options.date_header = false;
  options.limit_max_requests = options.limit_max_requests_jitter = 77;
  options.limit_max_rss = 77;
  options.limit_max_age = 77;
  options.timeout_drain = options.timeout_startup = options.timeout_worker_healthcheck = 77;
  options.timeout_keep_alive = options.timeout_header = 77;
  options.timeout_body = options.timeout_write = 77;
  options.balance = Balance::hash;
  options.check_config = options.reload = options.preload = true;
  options.reload_delay = 77;
  options.drain_delay = 77;
  options.limit_request_line = options.limit_header_count = 77;
  options.limit_header_size = options.limit_header_field_size = 77;
  options.limit_body = 77;
  options.ws = WebSockets::none;
  options.ws_max_size = options.ws_max_queue = options.ws_max_queue_bytes = 7;
  options.ws_compress_min_size = 7;
  options.ws_ping_interval = options.ws_ping_timeout = 7;
  options.ws_per_message_deflate = false;
  options.timeout_ws_handshake = options.timeout_ws_close = 7;
  options.limit_body_rate = 77;
  return options;
}

int count_of_equal_members(const Options& a, const Options& b) {
  return (a.host == b.host) + (a.port == b.port) + (a.backlog == b.backlog) +
         (a.uds_mode == b.uds_mode) + (a.timeout_drain == b.timeout_drain) +
         (a.timeout_startup == b.timeout_startup) +
         (a.timeout_worker_healthcheck == b.timeout_worker_healthcheck) + (a.factory == b.factory) +
         (a.lifespan == b.lifespan) + (a.log_level == b.log_level) +
         (a.access_log == b.access_log) + (a.server_header == b.server_header) +
         (a.date_header == b.date_header) + (a.timeout_keep_alive == b.timeout_keep_alive) +
         (a.timeout_header == b.timeout_header) + (a.timeout_body == b.timeout_body) +
         (a.timeout_write == b.timeout_write) + (a.drain_delay == b.drain_delay) +
         (a.check_config == b.check_config) + (a.reload == b.reload) + (a.preload == b.preload) +
         (a.balance == b.balance) + (a.reload_delay == b.reload_delay) +
         (a.limit_request_line == b.limit_request_line) +
         (a.limit_header_count == b.limit_header_count) +
         (a.limit_header_size == b.limit_header_size) +
         (a.limit_header_field_size == b.limit_header_field_size) + (a.limit_body == b.limit_body) +
         (a.limit_body_rate == b.limit_body_rate) + (a.limit_max_age == b.limit_max_age) +
         (a.limit_max_requests == b.limit_max_requests) +
         (a.limit_max_requests_jitter == b.limit_max_requests_jitter) +
         (a.limit_max_rss == b.limit_max_rss) + (a.io == b.io) + (a.ws == b.ws) +
         (a.ws_max_size == b.ws_max_size) + (a.ws_max_queue == b.ws_max_queue) +
         (a.ws_max_queue_bytes == b.ws_max_queue_bytes) +
         (a.ws_ping_interval == b.ws_ping_interval) + (a.ws_ping_timeout == b.ws_ping_timeout) +
         (a.ws_per_message_deflate == b.ws_per_message_deflate) +
         (a.ws_compress_min_size == b.ws_compress_min_size) +
         (a.timeout_ws_handshake == b.timeout_ws_handshake) +
         (a.timeout_ws_close == b.timeout_ws_close) + (a.loop == b.loop);
}

}  // namespace

TEST_CASE("option table shows the defaults that Options has", "[config]") {
  const std::set<std::string_view> words = {"current directory", "on a terminal", "no limit",
                                            "the user's"};
  REQUIRE(count_of_equal_members(different(), Options{}) == 0);
  int read_count = 0;
  for (const OptionRow& row : option_table()) {
    if (row.fallback.empty() || words.contains(row.fallback)) {
      continue;
    }
    CAPTURE(row.name);
    Options options = different();
    REQUIRE(row.read(row.fallback, options));
    CHECK(count_of_equal_members(options, Options{}) == 1);
    ++read_count;
  }
  CHECK(read_count > 0);
}

TEST_CASE("option table makes click's variable names", "[config]") {
  CHECK(variable_of(*find_option("app")) == "RINGHORN_APP");
  CHECK(variable_of(*find_option("app-dir")) == "RINGHORN_APP_DIR");
  CHECK(variable_of(*find_option("header")) == "RINGHORN_HEADERS");
  CHECK(spelling_of(*find_option("app")) == "APP");
  CHECK(spelling_of(*find_option("app-dir")) == "--app-dir");
}
