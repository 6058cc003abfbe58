/// An application for the tests of `net`: what it does with a request is a function of the test's,
/// and everything that it is told is counted.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringhorn/net/exchange.hpp>

namespace ringhorn::test {

/// The application's end of one request.
class Call final : public net::RequestHandler {
 public:
  using Step = std::function<void(Call&)>;

  net::Exchange* exchange = nullptr;  ///< null once it has ended
  std::string method;
  std::string target;
  std::string body;
  bool body_ended = false;
  std::size_t body_calls = 0;
  std::size_t writable_calls = 0;
  std::size_t disconnects = 0;
  std::size_t peer_finishes = 0;
  Step when_body;
  Step when_writable;
  Step when_disconnected;
  Step when_peer_finished;

  void take() {
    const net::Exchange::Body piece = exchange->take_body();
    for (const std::string_view bytes : piece.pieces) {
      body.append(bytes);
    }
    body_ended = !piece.more;
  }
  /// Takes the whole body as it comes, then runs `step`.
  void read_all(Step step) {
    while (!body_ended && exchange->body_ready()) {
      take();
    }
    if (body_ended) {
      step(*this);
      return;
    }
    when_body = [step = std::move(step)](Call& call) { call.read_all(step); };
    exchange->await_body();
  }
  /// A whole response. The exchange is over after it.
  void respond(std::string_view text, int status = 200) {
    net::Exchange* ended = std::exchange(exchange, nullptr);
    ended->begin_response(status, false);
    ended->send_body(text, true);
  }
  void begin(int status = 200) { exchange->begin_response(status, false); }
  net::SendResult send(std::string_view text, bool last) {
    net::Exchange* here = exchange;
    if (last) {
      exchange = nullptr;
    }
    return here->send_body(text, last);
  }
  void fail() { std::exchange(exchange, nullptr)->fail(); }
  void abort() { std::exchange(exchange, nullptr)->abort(); }

 private:
  // The step is copied first: it may put another in its own place.
  static void run(const Step& step, Call& call) {
    if (const Step copy = step; copy) {
      copy(call);
    }
  }
  void on_body_ready() override {
    ++body_calls;
    run(when_body, *this);
  }
  void on_writable() override {
    ++writable_calls;
    run(when_writable, *this);
  }
  void on_disconnect() override {
    ++disconnects;
    exchange = nullptr;
    run(when_disconnected, *this);
  }
  void on_peer_finished() override {
    ++peer_finishes;
    run(when_peer_finished, *this);
  }
};

class TestApplication final : public net::Application {
 public:
  Call::Step when_request = [](Call& call) { call.respond("hello"); };
  std::vector<std::unique_ptr<Call>> calls;

  Call& last() { return *calls.back(); }

 private:
  void on_request(net::Exchange& exchange) override {
    calls.push_back(std::make_unique<Call>());
    Call& call = *calls.back();
    call.exchange = &exchange;
    call.method = exchange.head().method;
    call.target = exchange.head().target;
    exchange.attach(call);
    when_request(call);
  }
  void on_web_socket(net::Exchange& exchange, const ws::Handshake&) override {
    on_request(exchange);
  }
};

}  // namespace ringhorn::test
