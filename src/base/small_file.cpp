#include <ringhorn/base/small_file.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::base {

std::string_view read_small_file(const char* path, std::array<char, 512>& bytes) noexcept {
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t count = file ? ::read(file.value(), bytes.data(), bytes.size()) : -1;
  return {bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

}  // namespace ringhorn::base
