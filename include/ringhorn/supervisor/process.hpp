/// What a process is to the system: its directory, its mask, who it runs as, and the file that
/// names it. Called by the doors at start-up, before any thread; may block on the user database.
#pragma once

#include <string>

#include <ringhorn/base/result.hpp>
#include <ringhorn/config/options.hpp>

namespace ringhorn::supervisor {

/// Nothing to tell.
struct Done {};

/// --chdir: every relative path of the other options is looked up there. On failure a sentence.
base::Result<Done, std::string> change_directory(const config::Options& options);
/// --umask.
void set_mask(const config::Options& options) noexcept;
/// Whether --user or --group was given.
bool has_identity(const config::Options& options) noexcept;
/// --user and --group, for good: real, effective and saved, with the supplementary groups of the
/// user, who is also looked up for the group when only --user was given. Sockets that are open stay
/// so. On failure a sentence, and the process must end: it may be in between.
base::Result<Done, std::string> become_user(const config::Options& options);

/// When the process that has made this one is gone, so is this one: killed. Lost by become_user().
void end_with_parent() noexcept;

/// The file of --pid: there as long as this object. A file that names a process which is gone, or
/// ourselves, is replaced.
class PidFile {
 public:
  /// No file.
  PidFile() = default;
  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&& other) noexcept;
  /// Removes the file when it still names this process; in a child it does nothing.
  ~PidFile();

  /// Writes it, whole or not at all. Empty `path`: no file. On failure a sentence.
  static base::Result<PidFile, std::string> make(const std::string& path);
  /// It goes by the name `path` from now on; who had that name is gone.
  void move_to(const std::string& path);

 private:
  std::string path_;  ///< absolute; empty: no file
};

}  // namespace ringhorn::supervisor
