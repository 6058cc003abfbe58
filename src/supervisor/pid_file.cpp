#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/supervisor/process.hpp>

namespace ringhorn::supervisor {

namespace {

base::Failure<std::string> failed(const std::string& path, const std::string& why) {
  return base::Failure{"--pid: " + path + ": " + why};
}

base::Failure<std::string> failed(const std::string& path, int error) {
  return failed(path, std::system_category().message(error));
}

/// The process that the file names; empty when there is no such file or it names none.
std::optional<pid_t> named_in(const std::string& path) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<char, 32> bytes;
  const ssize_t count = ::read(file.value(), bytes.data(), bytes.size());
  pid_t pid = 0;
  const auto [stop, error] =
      std::from_chars(bytes.data(), bytes.data() + (count > 0 ? count : 0), pid);
  return error == std::errc() && pid > 0 ? std::optional(pid) : std::nullopt;
}

bool lives(pid_t pid) {
  return ::kill(pid, 0) == 0 || errno == EPERM;
}

std::string absolute(const std::string& path) {
  std::array<char, 4096> directory;
  const bool whole =
      path.starts_with('/') || ::getcwd(directory.data(), directory.size()) == nullptr;
  return whole ? path : std::string(directory.data()) + "/" + path;
}

}  // namespace

PidFile::PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

PidFile::~PidFile() {
  // Somebody else may have taken the name; and a forked child is not the one that is named.
  if (!path_.empty() && named_in(path_) == ::getpid()) {
    ::unlink(path_.c_str());
  }
}

void PidFile::move_to(const std::string& path) {
  if (!path_.empty() && ::rename(path_.c_str(), path.c_str()) == 0) {
    path_ = absolute(path);
  }
}

base::Result<PidFile, std::string> PidFile::make(const std::string& path) {
  PidFile made;
  if (path.empty()) {
    return made;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return failed(path, "exists and is not a file");
  }
  const auto other = named_in(path);
  if (other && *other != ::getpid() && lives(*other)) {
    return failed(path, "process " + std::to_string(*other) + " is running already");
  }
  // Written beside it and put in its place: nobody ever reads half of it.
  std::string beside = path + ".XXXXXX";
  const base::UniqueFd file(::mkostemp(beside.data(), O_CLOEXEC));
  if (!file) {
    return failed(path, errno);
  }
  const std::string text = std::to_string(::getpid()) + "\n";
  const bool written =
      ::write(file.value(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written || ::fchmod(file.value(), 0644) != 0 ||
      ::rename(beside.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(beside.c_str());
    return failed(path, error);
  }
  made.path_ = absolute(path);
  return made;
}

}  // namespace ringhorn::supervisor
