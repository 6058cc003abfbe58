#include "change_watch.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace ringhorn::supervisor {

namespace {

constexpr base::Nanoseconds look_again_ns = base::ns_per_s / 2;
constexpr int delays_max = 10;

/// Inside of `directory`, or the same.
bool is_within(const std::filesystem::path& path, const std::filesystem::path& directory) {
  const auto ends = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return ends.first == directory.end();
}

/// Where the application may be: here, and in --app-dir when that is elsewhere.
std::vector<std::string> default_directories(const config::Options& options) {
  std::vector<std::string> directories{"."};
  std::error_code error;
  const auto here = std::filesystem::canonical(".", error);
  const auto there = std::filesystem::canonical(options.app_dir, error);
  if (!options.app_dir.empty() && !error && !is_within(there, here)) {
    directories.push_back(options.app_dir);
  }
  return directories;
}

}  // namespace

base::Result<ChangeWatch, std::string> ChangeWatch::make(const config::Options& options) {
  std::vector<std::string> directories =
      options.reload_dirs.empty() ? default_directories(options) : options.reload_dirs;
  auto files = FileWatch::make({directories, options.reload_includes, options.reload_excludes});
  if (!files) {
    return base::Failure{"--reload: " + files.error()};
  }
  return ChangeWatch(files.take_value(), std::move(directories),
                     config::to_ns(options.reload_delay));
}

ChangeWatch::ChangeWatch(FileWatch files, std::vector<std::string> directories,
                         base::Nanoseconds delay_ns)
    : files_(std::move(files)), directories_(std::move(directories)), delay_ns_(delay_ns) {}

base::Nanoseconds ChangeWatch::deadline_ns() const noexcept {
  const base::Nanoseconds look_ns = files_.incomplete() ? looked_ns_ + look_again_ns : never;
  return changed_.empty() ? look_ns : std::min(look_ns, due_ns());
}

base::Nanoseconds ChangeWatch::due_ns() const noexcept {
  return std::min(last_ns_ + delay_ns_, first_ns_ + delays_max * delay_ns_);
}

void ChangeWatch::look(base::Nanoseconds now_ns) {
  looked_ns_ = now_ns;
  const std::vector<std::string> found = files_.take_changes();
  if (found.empty()) {
    return;
  }
  first_ns_ = changed_.empty() ? now_ns : first_ns_;
  last_ns_ = now_ns;
  changed_.insert(found.begin(), found.end());
}

std::vector<std::string> ChangeWatch::take_due(base::Nanoseconds now_ns) {
  if (changed_.empty() || now_ns < due_ns()) {
    return {};
  }
  const std::set<std::string> taken = std::exchange(changed_, {});
  return {taken.begin(), taken.end()};
}

}  // namespace ringhorn::supervisor
