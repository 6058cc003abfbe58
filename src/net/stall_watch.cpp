#include "stall_watch.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

namespace ringhorn::net {

bool StallWatch::stalled(int fd) noexcept {
  int unsent_bytes = 0;
  if (::ioctl(fd, SIOCOUTQ, &unsent_bytes) != 0) {
    unsent_bytes = 0;  // no measure: only the ends of sends count
  }
  if (quiet_parts_ == 0 || unsent_bytes != unsent_bytes_) {
    unsent_bytes_ = unsent_bytes;
    quiet_parts_ = 1;
    return false;
  }
  return ++quiet_parts_ > parts;
}

}  // namespace ringhorn::net
