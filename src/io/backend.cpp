#include <ringhorn/io/backend.hpp>

#include <utility>

namespace ringhorn::io {

base::Result<Choice, std::string> make_driver(Backend wanted, const UringSettings& uring,
                                              const EpollSettings& epoll) {
  std::string reason;
  if (wanted != Backend::epoll) {
    auto ring = make_uring_driver(uring);
    if (ring) {
      return Choice{ring.take_value(), {}};
    }
    if (wanted == Backend::uring) {
      return base::Failure{ring.error()};
    }
    reason = ring.error();
  }
  auto driver = make_epoll_driver(epoll);
  if (!driver) {
    return base::Failure{driver.error()};
  }
  return Choice{driver.take_value(), std::move(reason)};
}

}  // namespace ringhorn::io
