#include "wear.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <random>
#include <string_view>

#include <ringhorn/base/small_file.hpp>

#include "settings.hpp"

namespace ringhorn::worker {

namespace {

constexpr std::uint64_t mib = 1048576;

std::uint64_t with_jitter(std::uint64_t count, std::uint32_t jitter) {
  if (count == 0 || jitter == 0) {
    return count;
  }
  // Of the system: workers that were forked from one process must not draw the same.
  std::random_device source;
  return count + std::uniform_int_distribution<std::uint64_t>(0, jitter)(source);
}

}  // namespace

Wear::Wear(const config::Options& options, base::Nanoseconds now_ns)
    : requests_max_(with_jitter(options.limit_max_requests, options.limit_max_requests_jitter)),
      rss_mib_max_(options.limit_max_rss),
      end_ns_(options.limit_max_age > 0 ? now_ns + to_ns(options.limit_max_age) : 0) {}

std::string Wear::take_reason(std::uint64_t finished_count, base::Nanoseconds now_ns) {
  std::string why = told_ ? std::string() : reason(finished_count, now_ns);
  told_ = told_ || !why.empty();
  return why;
}

std::string Wear::reason(std::uint64_t finished_count, base::Nanoseconds now_ns) const {
  if (requests_max_ > 0 && finished_count >= requests_max_) {
    return "it has answered " + std::to_string(finished_count) + " requests.";
  }
  if (end_ns_ > 0 && now_ns >= end_ns_) {
    return "it has served for long enough.";
  }
  const std::uint64_t used_mib = rss_mib_max_ > 0 ? resident_bytes().value_or(0) / mib : 0;
  if (used_mib > rss_mib_max_) {
    return "it uses " + std::to_string(used_mib) + " MiB of memory.";
  }
  return {};
}

std::optional<std::uint64_t> resident_bytes() {
  std::array<char, 512> bytes;
  const std::string_view text = base::read_small_file("/proc/self/statm", bytes);
  const std::size_t at = text.find(' ');
  std::uint64_t pages = 0;
  if (at == std::string_view::npos ||
      std::from_chars(text.data() + at + 1, text.data() + text.size(), pages).ec != std::errc()) {
    return std::nullopt;
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace ringhorn::worker
