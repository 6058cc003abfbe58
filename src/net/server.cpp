#include <ringhorn/net/server.hpp>

#include <utility>

#include "server_state.hpp"

namespace ringhorn::net {

Server::Server(io::Driver& driver, Application& application, telemetry::Log& log,
               const Settings& settings)
    : state_(std::make_unique<ServerState>(driver, application, log, settings)) {}

Server::~Server() = default;

void Server::listen(base::UniqueFd socket, const sock::Address& address, sock::Hold hold) {
  state_->listen(std::move(socket), address, hold);
}

void Server::start() {
  state_->start();
}

void Server::announce_drain() {
  state_->announce_drain();
}

void Server::drain(const Drain& drain, std::function<void()> on_idle) {
  state_->drain(drain, std::move(on_idle));
}

void Server::hurry() {
  state_->hurry();
}

void Server::abort_all() {
  state_->abort_all();
}

void Server::drop_copies() noexcept {
  state_->drop_copies();
}

bool Server::idle() const noexcept {
  return state_->idle();
}

std::size_t Server::connection_count() const noexcept {
  return state_->connection_count();
}

std::size_t Server::exchange_count() const noexcept {
  return state_->exchange_count();
}

std::uint64_t Server::finished_count() const noexcept {
  return state_->finished_count();
}

}  // namespace ringhorn::net
