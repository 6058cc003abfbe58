/// Opening every socket that the options ask for, and those that a service manager has opened.
/// Called once: by the supervisor, or by a single worker after its application has started. No
/// thread of its own; may block on name resolution.
#pragma once

#include <string>
#include <vector>

#include <ringhorn/base/result.hpp>
#include <ringhorn/config/options.hpp>
#include <ringhorn/config/parse.hpp>
#include <ringhorn/sock/listening.hpp>

namespace ringhorn::supervisor {

using Listeners = std::vector<sock::Listening>;

/// Descriptors that were opened for this process by a service manager: LISTEN_PID and LISTEN_FDS
/// (sd_listen_fds(3)). Empty when there are none, or when they are meant for another process.
std::vector<int> activated_descriptors(const config::Environment& environment);

/// Binds and listens: with --balance hash one socket for each worker and address. Sockets of
/// `activated` stand in for --host and --port; those of --bind, --uds
/// and --fd come on top. At least one when it succeeds; on failure a sentence, and nothing is left.
base::Result<Listeners, std::string> open_listeners(const config::Options& options,
                                                    const std::vector<int>& activated);

/// Says that fewer connections can wait than --backlog wants; empty when they all can
/// (robustness 77).
std::string backlog_warning(const config::Options& options);

/// Whether the worker in `slot` of `count` accepts from it: every socket has somebody, however many
/// workers there are. REQUIRES: `slot` < `count`
bool serves(unsigned slot, unsigned count, const sock::Listening& listening, unsigned shares);

}  // namespace ringhorn::supervisor
