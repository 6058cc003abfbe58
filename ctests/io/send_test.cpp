#include <ringhorn/io/send.hpp>

#include <cerrno>
#include <string>

#include "io_support.hpp"

using namespace io_test;

namespace {

/// Sends until the socket takes no more; the last send stays in flight. Returns the bytes taken.
std::size_t fill_up(io::Driver& driver, Sender& sender, std::string_view bytes) {
  std::size_t taken = 0;
  for (;;) {
    sender.send.start(bytes);
    settle(driver);
    if (sender.send.in_flight()) {
      return taken;
    }
    taken += sender.sent.back();
  }
}

}  // namespace

TEST_CASE_METHOD(EachBackend, "Send hands over one run of bytes", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  sender.send.start("hello");
  REQUIRE(sender.send.in_flight());
  REQUIRE(read_some(pair.far).empty());
  run_until(*driver, [&] { return !sender.sent.empty(); });
  REQUIRE(sender.sent == std::vector<std::size_t>{5});
  REQUIRE(!sender.send.in_flight());
  REQUIRE(read_some(pair.far) == "hello");
}

TEST_CASE_METHOD(EachBackend, "Send hands over several parts in order, up to parts_max", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  std::vector<std::string> texts;
  std::vector<iovec> parts;
  std::string expected;
  for (std::size_t index = 0; index < io::Send::parts_max; ++index) {
    texts.push_back("part " + std::to_string(index) + ";");
    expected += texts.back();
  }
  for (std::string& text : texts) {
    parts.push_back({text.data(), text.size()});
  }
  sender.send.start(parts);
  run_until(*driver, [&] { return !sender.sent.empty(); });
  REQUIRE(sender.sent == std::vector<std::size_t>{expected.size()});
  REQUIRE(read_some(pair.far) == expected);
}

TEST_CASE_METHOD(EachBackend, "Send reports a short send, waits for room and goes on", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_tcp_pair();
  Sender sender(*driver, pair.near);
  const std::string bytes = make_bytes(1 << 20);
  std::size_t taken = fill_up(*driver, sender, bytes);
  REQUIRE(sender.sent.back() < bytes.size());
  sender.sent.clear();
  std::size_t read = 0;
  while (read < taken || sender.sent.empty()) {
    read += read_some(pair.far).size();
    turn(*driver, 0);
    REQUIRE(sender.errors.empty());
  }
  REQUIRE(!sender.send.in_flight());
  taken += sender.sent.front();
  while (read < taken) {
    read += read_some(pair.far).size();
  }
  REQUIRE(read == taken);
}

TEST_CASE_METHOD(EachBackend, "Send that waits for room can be given up", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_tcp_pair();
  Sender sender(*driver, pair.near);
  const std::string bytes = make_bytes(1 << 20);
  fill_up(*driver, sender, bytes);
  sender.send.stop();
  sender.send.stop();
  REQUIRE(sender.errors.empty());
  run_until(*driver, [&] { return !sender.errors.empty(); });
  settle(*driver);
  REQUIRE(sender.errors == std::vector<int>{ECANCELED});
  REQUIRE(!sender.send.in_flight());
}

TEST_CASE_METHOD(EachBackend, "Send stopped in the turn that started it ends once", "[io]") {
  const auto driver = make_driver();
  const Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  sender.send.start("gone already");
  sender.send.stop();
  run_until(*driver, [&] { return !sender.send.in_flight(); });
  settle(*driver);
  REQUIRE(sender.sent.size() + sender.errors.size() == 1);
  sender.send.start("again");
  run_until(*driver, [&] { return !sender.send.in_flight(); });
  REQUIRE(sender.sent.back() == 5);
}

TEST_CASE_METHOD(EachBackend, "Send says EPIPE, without SIGPIPE, when the peer is gone", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_pair();
  Sender sender(*driver, pair.near);
  pair.far.reset();
  sender.send.start("to nobody");
  run_until(*driver, [&] { return !sender.errors.empty(); });
  REQUIRE(sender.errors == std::vector<int>{EPIPE});
  char byte = 'x';
  const std::vector<iovec> parts(2, iovec{&byte, 1});
  sender.send.start(parts);
  run_until(*driver, [&] { return sender.errors.size() == 2; });
  REQUIRE(sender.errors.back() == EPIPE);
}

TEST_CASE_METHOD(EachBackend, "Send that waits for room hears of RST", "[io]") {
  const auto driver = make_driver();
  Pair pair = make_tcp_pair();
  Sender sender(*driver, pair.near);
  const std::string bytes = make_bytes(1 << 20);
  fill_up(*driver, sender, bytes);
  reset_connection(std::move(pair.far));
  run_until(*driver, [&] { return !sender.errors.empty(); });
  REQUIRE((sender.errors.back() == ECONNRESET || sender.errors.back() == EPIPE));
}
