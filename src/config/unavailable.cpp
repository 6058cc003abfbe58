#include "unavailable.hpp"

#include <algorithm>
#include <array>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::config {

namespace {

constexpr std::string_view leave_out = "leave it out";
constexpr std::string_view no_tls = "put a proxy that speaks TLS in front";
constexpr std::string_view no_proxy_headers = "forwarded headers are not read; leave it out";
constexpr std::string_view no_log_files = "redirect standard output (requests) and standard error";
constexpr std::string_view own_worker = "it has its own workers; leave it out";
constexpr std::string_view own_parser = "it has its own HTTP parser; leave it out";

constexpr std::array unavailable_rows = {
    UnavailableRow{"ssl-*", 0, Verdict::not_yet, no_tls},
    UnavailableRow{"http2", 0, Verdict::not_yet, "HTTP/1.1 is served; leave it out"},
    UnavailableRow{"log-config", 0, Verdict::not_yet, "use --log-level and --use-colors"},
    UnavailableRow{"proxy-headers", 0, Verdict::not_yet, no_proxy_headers},
    UnavailableRow{"forwarded-allow-ips", 0, Verdict::not_yet, no_proxy_headers},
    UnavailableRow{"reset-contextvars", 0, Verdict::not_yet, leave_out},
    UnavailableRow{"http", 0, Verdict::own, own_parser},
    UnavailableRow{"interface", 0, Verdict::own, "it serves ASGI 3 applications; leave it out"},
    UnavailableRow{"h11-max-incomplete-event-size", 0, Verdict::own,
                   "it has its own HTTP parser; use --limit-header-size"},

    UnavailableRow{"worker-class", 'k', Verdict::other, own_worker},
    UnavailableRow{"threads", 0, Verdict::other, "one thread runs the application; leave it out"},
    UnavailableRow{"worker-connections", 0, Verdict::other, "use --limit-concurrency"},
    UnavailableRow{"max-requests", 0, Verdict::other, "use --limit-max-requests"},
    UnavailableRow{"max-requests-jitter", 0, Verdict::other, "use --limit-max-requests-jitter"},
    UnavailableRow{"timeout", 't', Verdict::other, "use --timeout-worker-healthcheck"},
    UnavailableRow{"graceful-timeout", 0, Verdict::other, "use --timeout-graceful-shutdown"},
    UnavailableRow{"keep-alive", 0, Verdict::other, "use --timeout-keep-alive"},
    UnavailableRow{"limit-request-fields", 0, Verdict::other, "use --limit-header-count"},
    UnavailableRow{"limit-request-field_size", 0, Verdict::other, "use --limit-header-field-size"},
    UnavailableRow{"config", 'c', Verdict::other, "use options or RINGHORN_* variables"},
    UnavailableRow{"reuse-port", 0, Verdict::other, leave_out},
    UnavailableRow{"pythonpath", 0, Verdict::other, "use --app-dir or PYTHONPATH"},
    UnavailableRow{"daemon", 'D', Verdict::other, "start it as a service, for instance by systemd"},
    UnavailableRow{"env", 'e', Verdict::other, "set the variables before the start"},
    UnavailableRow{"name", 'n', Verdict::other, leave_out},
    UnavailableRow{"access-logfile", 0, Verdict::other, no_log_files},
    UnavailableRow{"access-logformat", 0, Verdict::other, leave_out},
    UnavailableRow{"error-logfile", 0, Verdict::other, no_log_files},
    UnavailableRow{"log-file", 0, Verdict::other, no_log_files},
    UnavailableRow{"capture-output", 0, Verdict::other, leave_out},
    UnavailableRow{"keyfile", 0, Verdict::other, no_tls},
    UnavailableRow{"certfile", 0, Verdict::other, no_tls},
    UnavailableRow{"asgi-loop", 0, Verdict::other, "use --loop"},
    UnavailableRow{"asgi-lifespan", 0, Verdict::other, "use --lifespan"},
    UnavailableRow{"http-parser", 0, Verdict::other, own_parser},
};

bool matches(const UnavailableRow& row, std::string_view name) {
  if (name.size() == 1) {
    return row.letter == name.front();
  }
  if (row.name.back() != '*') {
    return row.name == name;
  }
  return name.starts_with(row.name.substr(0, row.name.size() - 1));
}

const UnavailableRow* find_exactly(std::string_view name) {
  const auto* found =
      std::find_if(unavailable_rows.begin(), unavailable_rows.end(),
                   [name](const UnavailableRow& row) { return matches(row, name); });
  return found == unavailable_rows.end() ? nullptr : found;
}

}  // namespace

std::span<const UnavailableRow> unavailable_table() {
  return unavailable_rows;
}

const UnavailableRow* find_unavailable(std::string_view name) {
  const UnavailableRow* row = name.empty() ? nullptr : find_exactly(name);
  if (row == nullptr && name.starts_with("no-") && name.size() > 4) {
    row = find_exactly(name.substr(3));
  }
  return row;
}

std::string refusal_of(const UnavailableRow& row, std::string_view spelling) {
  RINGHORN_ASSERT(!row.hint.empty());
  std::string text(spelling);
  switch (row.verdict) {
    case Verdict::not_yet:
      text += " is not available yet in Ringhorn " RINGHORN_VERSION ": ";
      break;
    case Verdict::own:
      text += " is not an option of Ringhorn: ";
      break;
    case Verdict::other:
      text += " is an option of gunicorn, not of Ringhorn: ";
      break;
  }
  return text.append(row.hint);
}

}  // namespace ringhorn::config
