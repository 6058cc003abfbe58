/// From what the user asked for to what each module wants to hear. Pure; nothing is checked here.
#pragma once

#include <ringhorn/asgi/lifespan.hpp>
#include <ringhorn/config/options.hpp>
#include <ringhorn/io/backend.hpp>
#include <ringhorn/net/server.hpp>

namespace ringhorn::worker {

net::Settings make_net_settings(const config::Options& options);
asgi::LifespanMode make_lifespan_mode(config::Lifespan lifespan);
io::Backend make_backend(config::Io io);
using config::to_ns;

}  // namespace ringhorn::worker
