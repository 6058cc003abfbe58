/// FileWatch tells which files of some directories have changed, for --reload: inotify(7) on every
/// directory below the ones given, hidden ones, caches and excluded ones left out. It reads events
/// and directories, never a file; it runs no timer. Used by the supervisor, on its thread.
///
/// A change is a file that was written and closed, made, moved or removed; an editor that writes
/// beside a file and renames is seen as the file that appears. A new directory is watched and what
/// is in it already counts as changed. When the kernel's queue has run over, everything is looked
/// at anew and the directory itself is named.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/base/result.hpp>
#include <ringhorn/base/unique_fd.hpp>

struct inotify_event;

namespace ringhorn::supervisor {

class FileWatch {
 public:
  struct Settings {
    std::vector<std::string> directories;  ///< at least one
    std::vector<std::string> includes;     ///< beside `*.py`
    std::vector<std::string> excludes;     ///< beside `.*`, `.py[cod]`, `.sw.*`, `~*`
  };

  /// On failure a sentence: a directory is missing, or the system allows no more watches.
  static base::Result<FileWatch, std::string> make(const Settings& settings);

  /// Readable when take_changes() may have something.
  int fd() const noexcept { return queue_.value(); }
  /// The paths of what has changed since the last call, sorted, each once. Never blocks. Empty when
  /// nothing that counts has.
  std::vector<std::string> take_changes();
  /// A directory of the settings is gone: nothing says when it comes back, so take_changes() is to
  /// be called now and then.
  bool incomplete() const noexcept { return !missing_.empty(); }

  std::size_t watch_count() const noexcept { return directories_.size(); }
  /// Whether a file of this path counts. An include that is a whole name wins over every exclude;
  /// what is excluded by default can be included, and the other way round.
  bool counts(std::string_view path) const;

 private:
  FileWatch(base::UniqueFd queue, const Settings& settings);

  /// Watches `path` and what is below it. Files that are found are named in `found` when it is not
  /// null. False, with errno, when `path` itself cannot be watched.
  bool add(const std::string& path, std::set<std::string>* found);
  void add_contents(const std::string& path, std::set<std::string>* found);
  void forget_below(const std::string& path);
  bool enters(std::string_view name, const std::string& path) const;
  void on_event(const inotify_event& event, std::set<std::string>& changed);
  void on_directory(std::uint32_t mask, const std::string& path, std::string_view name,
                    std::set<std::string>& changed);
  void start_again(std::set<std::string>& changed);
  void look_for_missing(std::set<std::string>& changed);

  base::UniqueFd queue_;
  std::vector<std::string> roots_;
  std::vector<std::string> includes_;
  std::vector<std::string> excludes_;
  std::set<std::string> excluded_directories_;
  std::map<int, std::string> directories_;  ///< by watch
  std::set<std::string> missing_;           ///< of roots_
};

/// As pathlib's match(): the pattern's components against the last ones of the path, all of them
/// when it begins with `/`.
bool path_matches(std::string_view path, std::string_view pattern);

}  // namespace ringhorn::supervisor
