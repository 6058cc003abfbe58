// The floor's answer given through `io`: what our own driver adds to the bare ring. Same options,
// same response, no parsing.

#include <csignal>
#include <memory>
#include <vector>

#include <ringhorn/io/accept.hpp>
#include <ringhorn/io/driver.hpp>
#include <ringhorn/io/receive.hpp>
#include <ringhorn/io/send.hpp>
#include <ringhorn/sock/address.hpp>
#include <ringhorn/sock/listen.hpp>

#include "responder.hpp"

namespace {

namespace io = ringhorn::io;
using ringhorn::base::UniqueFd;

struct PendingTag;

class Connection final : public ringhorn::base::ListNode<PendingTag>,
                         private io::ReceiveHandler,
                         private io::SendHandler {
 public:
  using Pending = ringhorn::base::IntrusiveList<Connection, PendingTag>;

  Connection(io::Driver& driver, UniqueFd socket, const bench::Options& options,
             const bench::Responses& hello, Pending& pending)
      : driver_(driver),
        socket_(std::move(socket)),
        options_(options),
        hello_(hello),
        pending_(pending),
        receive_(driver, socket_.value(), *this),
        send_(driver, socket_.value(), *this) {
    receive_.start();
  }

  void flush() {
    if (owed_ == 0 || send_.in_flight() || ended_) {
      return;
    }
    left_ = (options_.discard ? echo() : hello_).view(owed_);
    owed_ -= (options_.discard ? echo() : hello_).count(left_);
    send_.start(left_);
  }

 private:
  ~Connection() = default;

  void on_received(std::span<char> bytes) override {
    owed_ += counter_.feed({bytes.data(), bytes.size()}, options_.discard);
    if (owed_ > 0 && !linked()) {
      pending_.push_back(*this);
    }
  }
  void on_receive_end() override { end(); }
  void on_receive_error(int) override { end(); }
  void on_receive_stopped() override {}

  void on_sent(std::size_t count) override {
    left_.remove_prefix(count);
    if (ended_) {
      return end();
    }
    if (!left_.empty()) {
      return send_.start(left_);
    }
    if (owed_ > 0 && !linked()) {
      pending_.push_back(*this);
    }
  }
  void on_send_error(int) override {
    owed_ = 0;
    if (ended_) {
      end();
    }
  }

  void end() {
    ended_ = true;
    if (!send_.in_flight()) {
      driver_.close(std::move(socket_));
      delete this;
    }
  }

  const bench::Responses& echo() {
    if (echo_bytes_ != counter_.body_bytes()) {
      echo_bytes_ = counter_.body_bytes();
      echo_ = std::make_unique<bench::Responses>(echo_bytes_);
    }
    return *echo_;
  }

  io::Driver& driver_;
  UniqueFd socket_;
  const bench::Options& options_;
  const bench::Responses& hello_;
  Pending& pending_;
  io::Receive receive_;
  io::Send send_;
  bench::RequestCounter counter_;
  std::size_t owed_ = 0;
  std::string_view left_;
  bool ended_ = false;
  std::size_t echo_bytes_ = static_cast<std::size_t>(-1);
  std::unique_ptr<bench::Responses> echo_;
};

class Responder final : private io::AcceptHandler, private io::FlushHook {
 public:
  Responder(io::Driver& driver, const bench::Options& options, UniqueFd listener)
      : driver_(driver),
        options_(options),
        hello_(options.body_bytes),
        listener_(std::move(listener)),
        accept_(driver, listener_.value(), *this) {
    driver.add_flush_hook(*this);
    accept_.start();
  }

  [[noreturn]] void run() {
    for (;;) {
      driver_.flush();
      driver_.wait(io::Driver::forever);
      driver_.dispatch();
    }
  }

 private:
  void on_accepted(UniqueFd socket) override {
    // The connection deletes itself when it has ended.
    new Connection(driver_, std::move(socket), options_, hello_, pending_);
  }
  void on_accept_error(int error) override {
    std::fprintf(stderr, "io_responder: accept: %s\n", std::strerror(error));
    std::exit(1);
  }
  void on_accept_stopped() override {}

  void on_flush() override {
    while (Connection* connection = pending_.pop_front()) {
      connection->flush();
    }
  }

  io::Driver& driver_;
  const bench::Options options_;
  const bench::Responses hello_;
  Connection::Pending pending_;
  UniqueFd listener_;
  io::Accept accept_;
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const bench::Options options = bench::read_options(argc, argv);
  auto listener = ringhorn::sock::bind_tcp({.host = "127.0.0.1", .port = options.port});
  auto driver = io::make_uring_driver({});
  if (!listener || !driver) {
    std::fprintf(stderr, "io_responder: %s\n",
                 (driver ? listener.error() : driver.error()).c_str());
    return 3;
  }
  const int fd = listener.value().value();
  if (const auto listening = ringhorn::sock::listen(fd, 2048); !listening) {
    std::fprintf(stderr, "io_responder: %s\n", listening.error().c_str());
    return 3;
  }
  std::printf("listening on %u\n", ringhorn::sock::local_address(fd).port);
  std::fflush(stdout);
  Responder(*driver.value(), options, listener.take_value()).run();
}
