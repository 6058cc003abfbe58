/// ChangeWatch says when files of the application have changed and it is time to start it anew
/// (--reload): once for all changes of one save or checkout, when the last of them is `delay_ns`
/// old, or the first one ten times that. Reads no clock; used by the supervisor, on its thread.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/result.hpp>
#include <ringhorn/config/options.hpp>

#include "file_watch.hpp"

namespace ringhorn::supervisor {

class ChangeWatch {
 public:
  static constexpr base::Nanoseconds never = INT64_MAX;

  /// Watches what --reload-dir, --reload-include and --reload-exclude say. On failure a sentence.
  static base::Result<ChangeWatch, std::string> make(const config::Options& options);

  /// Readable when look() may find something.
  int fd() const noexcept { return files_.fd(); }
  /// When look() or take_due() may have something although fd() is not readable; `never` if not.
  base::Nanoseconds deadline_ns() const noexcept;
  /// Notes what has changed. Never blocks.
  void look(base::Nanoseconds now_ns);
  /// The paths of what has changed, sorted, once it is time; empty otherwise.
  std::vector<std::string> take_due(base::Nanoseconds now_ns);
  const std::vector<std::string>& directories() const noexcept { return directories_; }

 private:
  ChangeWatch(FileWatch files, std::vector<std::string> directories, base::Nanoseconds delay_ns);

  /// REQUIRES: something has changed
  base::Nanoseconds due_ns() const noexcept;

  FileWatch files_;
  std::vector<std::string> directories_;
  base::Nanoseconds delay_ns_;
  std::set<std::string> changed_;
  base::Nanoseconds first_ns_ = 0;   ///< of changed_
  base::Nanoseconds last_ns_ = 0;    ///< of changed_
  base::Nanoseconds looked_ns_ = 0;  ///< while a directory is gone
};

}  // namespace ringhorn::supervisor
