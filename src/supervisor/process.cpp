#include <ringhorn/supervisor/process.hpp>

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "owner.hpp"

namespace ringhorn::supervisor {

namespace {

std::string reason(int error) {
  return std::system_category().message(error);
}

base::Failure<std::string> refused(const config::Options& options, int error) {
  const std::string who =
      options.user.empty() ? "--group " + options.group : "--user " + options.user;
  return base::Failure{who + ": cannot run as that: " + reason(error) +
                       (error == EPERM ? " (start it as root, or leave it out)" : "")};
}

}  // namespace

base::Result<Done, std::string> change_directory(const config::Options& options) {
  if (!options.chdir.empty() && ::chdir(options.chdir.c_str()) != 0) {
    return base::Failure{"--chdir: " + options.chdir + ": " + reason(errno)};
  }
  return Done{};
}

void set_mask(const config::Options& options) noexcept {
  if (options.umask) {
    ::umask(*options.umask);
  }
}

bool has_identity(const config::Options& options) noexcept {
  return !options.user.empty() || !options.group.empty();
}

base::Result<Done, std::string> become_user(const config::Options& options) {
  if (!has_identity(options)) {
    return Done{};
  }
  const auto owner = look_up_owner(options.user, options.group);
  if (!owner) {
    return base::Failure{(options.user.empty() ? "--group: " : "--user, --group: ") +
                         owner.error()};
  }
  const uid_t user = owner.value().user.value_or(::geteuid());
  const passwd* entry = ::getpwuid(user);
  const gid_t own_group = entry != nullptr && owner.value().user ? entry->pw_gid : ::getegid();
  const gid_t group = owner.value().group.value_or(own_group);
  if (user == ::geteuid() && user == ::getuid() && group == ::getegid() && group == ::getgid()) {
    return Done{};
  }
  // Groups first: who is no longer root may not change them.
  const bool named = entry != nullptr && owner.value().user;
  if ((named ? ::initgroups(entry->pw_name, group) : ::setgroups(1, &group)) != 0 ||
      ::setresgid(group, group, group) != 0 || ::setresuid(user, user, user) != 0) {
    return refused(options, errno);
  }
  return Done{};
}

void end_with_parent() noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

}  // namespace ringhorn::supervisor
