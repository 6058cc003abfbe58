/// A pipe as a log's reader: full, slow or gone at will. Used by ctests/telemetry only.
#pragma once

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include <ringhorn/base/unique_fd.hpp>

#include "support/catch.hpp"

namespace ringhorn::telemetry::test {

struct Pipe {
  /// A pipe of one page: 4096 bytes fill it.
  Pipe() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
    REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
  }

  /// Everything that is in the pipe now.
  std::string take() {
    int count = 0;
    REQUIRE(::ioctl(reader.value(), FIONREAD, &count) == 0);
    std::string text(static_cast<std::size_t>(count), '\0');
    if (count > 0) {
      REQUIRE(::read(reader.value(), text.data(), text.size()) == count);
    }
    return text;
  }

  base::UniqueFd reader;
  base::UniqueFd writer;
};

inline base::UniqueFd open_for_writing(const char* path) {
  base::UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  REQUIRE(fd);
  return fd;
}

}  // namespace ringhorn::telemetry::test
