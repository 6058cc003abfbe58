/// Users and groups by name or number, as `--uds-owner`, `--user` and `--group` give them. Called
/// at start-up; asks the system's user database, which may block.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include <ringhorn/base/result.hpp>

namespace ringhorn::supervisor {

struct Owner {
  std::optional<uid_t> user;
  std::optional<gid_t> group;
};

/// `user`, `user:group` or `:group`. On failure a sentence without its subject: `there is no user
/// 'www'`.
base::Result<Owner, std::string> look_up_owner(const std::string& text);
/// The same of two texts, each of which may be empty.
base::Result<Owner, std::string> look_up_owner(const std::string& user, const std::string& group);

}  // namespace ringhorn::supervisor
