#include "file_watch.hpp"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace ringhorn::supervisor {

namespace {

constexpr std::uint32_t watched_events = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                         IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

/// Ours, less those that the user has turned round, and the user's.
std::vector<std::string> merged(std::vector<std::string> ours,
                                const std::vector<std::string>& theirs,
                                const std::vector<std::string>& opposite) {
  std::erase_if(ours, [&](const std::string& pattern) {
    return std::find(opposite.begin(), opposite.end(), pattern) != opposite.end();
  });
  ours.insert(ours.end(), theirs.begin(), theirs.end());
  return ours;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

std::string joined(const std::string& directory, std::string_view name) {
  return directory == "." ? std::string(name) : directory + "/" + std::string(name);
}

std::string resolved(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
  return real ? real.get() : path;
}

}  // namespace

bool path_matches(std::string_view path, std::string_view pattern) {
  std::string_view tail = path;
  if (!pattern.starts_with('/')) {
    auto parts = std::count(pattern.begin(), pattern.end(), '/') + 1;
    std::size_t at = path.size();
    while (parts > 0 && at != std::string_view::npos) {
      at = at == 0 ? std::string_view::npos : path.rfind('/', at - 1);
      --parts;
    }
    if (parts > 0) {
      return false;
    }
    tail = at == std::string_view::npos ? path : path.substr(at + 1);
  }
  return ::fnmatch(std::string(pattern).c_str(), std::string(tail).c_str(),
                   FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

FileWatch::FileWatch(base::UniqueFd queue, const Settings& settings)
    : queue_(std::move(queue)),
      includes_(merged({"*.py"}, settings.includes, settings.excludes)),
      excludes_(merged({".*", ".py[cod]", ".sw.*", "~*"}, settings.excludes, settings.includes)) {
  for (const std::string& directory : settings.directories) {
    roots_.push_back(without_slash(directory));
  }
  for (const std::string& pattern : settings.excludes) {
    if (is_directory(pattern)) {
      excluded_directories_.insert(resolved(pattern));
    }
  }
}

base::Result<FileWatch, std::string> FileWatch::make(const Settings& settings) {
  base::UniqueFd queue(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!queue) {
    return base::Failure{"files cannot be watched: " + std::system_category().message(errno)};
  }
  FileWatch watch(std::move(queue), settings);
  for (const std::string& root : watch.roots_) {
    if (!watch.add(root, nullptr)) {
      const int error = errno;
      const char* hint = error == ENOSPC ? " (raise fs.inotify.max_user_watches)" : "";
      return base::Failure{root + " cannot be watched: " + std::system_category().message(error) +
                           hint};
    }
  }
  return watch;
}

bool FileWatch::counts(std::string_view path) const {
  const auto matches = [path](const std::string& pattern) { return path_matches(path, pattern); };
  for (const std::string& pattern : includes_) {
    if (!matches(pattern)) {
      continue;
    }
    return path.ends_with(pattern) || std::none_of(excludes_.begin(), excludes_.end(), matches);
  }
  return false;
}

bool FileWatch::enters(std::string_view name, const std::string& path) const {
  return !name.starts_with('.') && name != "__pycache__" && name != "node_modules" &&
         std::none_of(excludes_.begin(), excludes_.end(),
                      [&](const std::string& pattern) { return path_matches(path, pattern); }) &&
         (excluded_directories_.empty() || !excluded_directories_.contains(resolved(path)));
}

bool FileWatch::add(const std::string& path, std::set<std::string>* found) {
  const int watch = ::inotify_add_watch(queue_.value(), path.c_str(), watched_events);
  if (watch < 0) {
    return false;
  }
  directories_[watch] = path;
  // Only now, so that nothing appears between looking and watching.
  add_contents(path, found);
  return true;
}

void FileWatch::add_contents(const std::string& path, std::set<std::string>* found) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    const std::string_view name(entry->d_name);
    const std::string inner = joined(path, name);
    if (name == "." || name == "..") {
      continue;
    }
    if (is_directory(inner)) {
      if (enters(name, inner)) {
        add(inner, found);
      }
    } else if (found != nullptr && counts(inner)) {
      found->insert(inner);
    }
  }
}

std::vector<std::string> FileWatch::take_changes() {
  std::set<std::string> changed;
  alignas(inotify_event) std::array<char, 16384> buffer;
  ssize_t size = 0;
  while ((size = ::read(queue_.value(), buffer.data(), buffer.size())) > 0) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      on_event(*event, changed);
    }
  }
  look_for_missing(changed);
  return {changed.begin(), changed.end()};
}

void FileWatch::on_event(const inotify_event& event, std::set<std::string>& changed) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    return start_again(changed);
  }
  const auto found = directories_.find(event.wd);
  if (found == directories_.end()) {
    return;
  }
  if ((event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
    const bool is_root = std::find(roots_.begin(), roots_.end(), found->second) != roots_.end();
    if (is_root) {
      missing_.insert(found->second);
    }
    if (is_root && (event.mask & IN_MOVE_SELF) != 0) {
      forget_below(std::string(found->second));
    } else if ((event.mask & IN_IGNORED) != 0) {
      directories_.erase(found);
    }
    return;
  }
  const std::string_view name(event.len > 0 ? event.name : "");
  const std::string path = joined(found->second, name);
  if ((event.mask & IN_ISDIR) != 0) {
    on_directory(event.mask, path, name, changed);
  } else if (counts(path)) {
    changed.insert(path);
  }
}

void FileWatch::on_directory(std::uint32_t mask, const std::string& path, std::string_view name,
                             std::set<std::string>& changed) {
  if (!enters(name, path)) {
    return;
  }
  if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
    add(path, &changed);
  } else if ((mask & IN_MOVED_FROM) != 0) {
    forget_below(path);
    changed.insert(path);
  }
}

/// Watches follow what they watch: a directory that was moved away would go on under its old name.
void FileWatch::forget_below(const std::string& path) {
  std::erase_if(directories_, [&](const auto& entry) {
    const bool below = entry.second == path || entry.second.starts_with(path + "/");
    if (below) {
      ::inotify_rm_watch(queue_.value(), entry.first);
    }
    return below;
  });
}

void FileWatch::start_again(std::set<std::string>& changed) {
  for (const std::string& root : roots_) {
    changed.insert(root);
    // A watch that is there already is found again, under the same number.
    if (!add(root, nullptr)) {
      missing_.insert(root);
    }
  }
}

void FileWatch::look_for_missing(std::set<std::string>& changed) {
  std::erase_if(missing_, [&](const std::string& root) { return add(root, &changed); });
}

}  // namespace ringhorn::supervisor
