#include "owner.hpp"

#include <grp.h>
#include <pwd.h>

#include <charconv>
#include <cstdint>

namespace ringhorn::supervisor {

namespace {

std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // The last number means "none" to the system.
  const bool right = error == std::errc() && stop == text.data() + text.size();
  return right && number != UINT32_MAX ? std::optional(number) : std::nullopt;
}

std::optional<uid_t> user_of(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());
  return entry != nullptr ? std::optional<uid_t>(entry->pw_uid) : number_of(name);
}

std::optional<gid_t> group_of(const std::string& name) {
  const group* entry = ::getgrnam(name.c_str());
  return entry != nullptr ? std::optional<gid_t>(entry->gr_gid) : number_of(name);
}

}  // namespace

base::Result<Owner, std::string> look_up_owner(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string user = text.substr(0, colon);
  const std::string group = colon == std::string::npos ? "" : text.substr(colon + 1);
  return look_up_owner(user, group);
}

base::Result<Owner, std::string> look_up_owner(const std::string& user, const std::string& group) {
  Owner owner;
  if (!user.empty()) {
    owner.user = user_of(user);
    if (!owner.user) {
      return base::Failure{"there is no user '" + user + "'"};
    }
  }
  if (!group.empty()) {
    owner.group = group_of(group);
    if (!owner.group) {
      return base::Failure{"there is no group '" + group + "'"};
    }
  }
  return owner;
}

}  // namespace ringhorn::supervisor
