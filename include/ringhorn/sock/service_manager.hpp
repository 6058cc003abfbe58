/// ServiceManager tells whoever has started this process how it is, by the protocol of
/// sd_notify(3): datagrams of `NAME=value` lines to the socket of NOTIFY_SOCKET. Used by the
/// supervisor, or by a worker that is alone. Without a manager it does nothing. Never blocks.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::sock {

class ServiceManager {
 public:
  /// Nobody listens.
  ServiceManager() = default;
  /// `address` is NOTIFY_SOCKET's: a path, or a name behind `@`. Nobody listens when it is empty or
  /// cannot be reached. `watchdog_us` is WATCHDOG_USEC's, and empty when WATCHDOG_PID is somebody
  /// else's.
  ServiceManager(const std::string& address, std::string_view watchdog_us);

  bool listens() const noexcept { return static_cast<bool>(socket_); }

  /// It serves; `status` is for people (`systemctl status`).
  void ready(std::string_view status) const;
  /// It reads its application anew; ready() follows when that is done.
  void reloading() const;
  void stopping() const;
  /// Another process is the main one from now on.
  void succeeded_by(pid_t pid) const;
  void status(std::string_view text) const;
  /// A sign of life; due each watchdog_ns().
  void alive() const;

  /// How often alive() is to be called: twice in the time after which the manager acts. Empty when
  /// it does not watch.
  std::optional<base::Nanoseconds> watchdog_ns() const noexcept { return watchdog_ns_; }

 private:
  void tell(std::string_view lines) const;

  base::UniqueFd socket_;
  std::optional<base::Nanoseconds> watchdog_ns_;
};

}  // namespace ringhorn::sock
