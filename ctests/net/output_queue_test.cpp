// Output on its way into a socket, and what several queues share of it.
#include "../../src/net/output_queue.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <ringhorn/base/clock.hpp>
#include <ringhorn/base/unique_fd.hpp>
#include <ringhorn/io/driver.hpp>

#include "support/catch.hpp"

namespace ringhorn::test {
namespace {

using net::OutputBatch;
using net::OutputPool;
using net::OutputQueue;

/// A queue, the socket that it is sent into, and what arrives at the other end of it.
class Line final : private io::SendHandler {
 public:
  Line(io::Driver& driver, OutputPool& pool) : queue(pool) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    near_.reset(ends[0]);
    far_.reset(ends[1]);
    const int small = 4096;
    ::setsockopt(near_.value(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    io::SendHandler& handler = *this;
    send_ = std::make_unique<io::Send>(driver, near_.value(), handler);
  }

  OutputQueue queue;
  std::string expected;
  std::string arrived;

  void share(std::string_view head, std::string_view body) {
    queue.append_shared(head, body);
    expected.append(head).append(body);
  }
  void add(std::string_view bytes) {
    queue.tail().append(bytes);
    expected.append(bytes);
  }
  void add_slice(std::string_view bytes) {
    queue.append(base::OwnedSlice(
                     bytes, [](void*) {}, nullptr),
                 bytes.size());
    expected.append(bytes);
  }
  void flush(io::Report report) {
    if (!send_->in_flight() && queue.wants_send()) {
      queue.start(*send_, report);
    }
  }
  void offer() {
    if (!send_->in_flight() && queue.wants_send()) {
      queue.offer(*send_);
    }
  }
  void read() {
    std::array<char, 4096> bytes;
    for (ssize_t size = 0; (size = ::read(far_.value(), bytes.data(), bytes.size())) > 0;) {
      arrived.append(bytes.data(), static_cast<std::size_t>(size));
    }
  }
  bool settled() const { return queue.empty() && !send_->in_flight(); }

 private:
  void on_sent(std::size_t count) override { queue.on_sent(count); }
  void on_send_error(int error) override { FAIL("a send ended with " << error); }

  base::UniqueFd near_, far_;
  std::unique_ptr<io::Send> send_;
};

struct Lines {
  explicit Lines(std::size_t count) {
    auto made = io::make_uring_driver({.queue_entries = 64, .receive_buffer_count = 32});
    REQUIRE(made);
    driver = made.take_value();
    for (std::size_t i = 0; i < count; ++i) {
      lines.emplace_back(*driver, pool);
    }
  }
  ~Lines() { settle(); }

  Line& operator[](std::size_t index) { return lines[index]; }
  void turn(io::Report report) {
    for (Line& line : lines) {
      line.flush(report);
    }
    driver->wait(0);
    driver->dispatch();
  }
  /// Until everything has arrived, and it is what was written.
  void settle() {
    const base::Nanoseconds limit = base::monotonic_ns() + 20 * base::ns_per_s;
    for (bool settled = false; !settled && base::monotonic_ns() < limit;) {
      turn(io::Report::promptly);
      settled = true;
      for (Line& line : lines) {
        line.read();
        settled = settled && line.settled();
      }
    }
    for (Line& line : lines) {
      CHECK(line.arrived.size() == line.expected.size());
      CHECK(line.arrived == line.expected);
    }
  }

  std::unique_ptr<io::Driver> driver;
  OutputPool pool;
  std::deque<Line> lines;
};

/// What so many batches, each filled and given back, still hold when they are taken again.
std::size_t kept_bytes(OutputPool& pool, std::size_t count, std::size_t each) {
  std::vector<OutputBatch*> batches;
  for (std::size_t i = 0; i < count; ++i) {
    batches.push_back(pool.take());
    batches.back()->bytes.prepare(each);
  }
  for (OutputBatch* batch : batches) {
    pool.give(batch);
  }
  std::size_t bytes = 0;
  for (OutputBatch*& batch : batches) {
    batch = pool.take();
    bytes += batch->bytes.capacity();
  }
  for (OutputBatch* batch : batches) {
    pool.give(batch);
  }
  return bytes;
}

TEST_CASE("OutputPool keeps the memory of what streams fill, up to 8 MB for all together",
          "[net]") {
  constexpr std::size_t all = 8 << 20;
  OutputPool pool;
  CHECK(kept_bytes(pool, 1, 131073) == 0);
  CHECK(kept_bytes(pool, 64, 131072) == all);
  // However often they come and go, and with others between.
  for (int round = 0; round < 3; ++round) {
    CHECK(kept_bytes(pool, 200, 131072) == all);
    CHECK(kept_bytes(pool, 3, 131073) < all);
  }
  const std::size_t kept = kept_bytes(pool, 200, 1000);
  CHECK(kept > all / 2);
  CHECK(kept <= all);
}

TEST_CASE("OutputQueue shares what one queue after the other is given", "[net]") {
  Lines lines(3);
  for (std::size_t i = 0; i < 3; ++i) {
    lines[i].share("2:", "hi");
  }
  const OutputBatch* const first = lines.pool.same_step(nullptr, "2:", "hi");
  REQUIRE(first != nullptr);
  CHECK(first->users == 3);
  CHECK(lines.pool.same_step(nullptr, "2:", "ho") == nullptr);
  CHECK(lines.pool.same_step(nullptr, "3:", "hi") == nullptr);
  CHECK(lines.pool.same_step(nullptr, "2:", "hi!") == nullptr);
  // And so the next, as long as all have the same before it.
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(first->users == 3 - i);
    lines[i].share("5:", "there");
  }
  const OutputBatch* const batch = lines.pool.take();
  CHECK(batch == first);  // the last user has given it back
  lines.pool.give(const_cast<OutputBatch*>(batch));
  lines.settle();
}

TEST_CASE("OutputQueue that has more to say than others leaves what they share as it is", "[net]") {
  const std::string slice(OutputQueue::small_bytes_max, 's');
  Lines lines(4);
  for (std::size_t i = 0; i < 4; ++i) {
    lines[i].share("2:", "hi");
  }
  lines[0].add("more");
  lines[1].add_slice(slice);
  lines[2].share("4:", "else");
  const OutputBatch* const batch = lines.pool.same_step(nullptr, "2:", "hi");
  CHECK(batch == nullptr);  // another step was the last
  lines.settle();
}

TEST_CASE("OutputQueue whose output has grown does not share what came of it before", "[net]") {
  Lines lines(2);
  lines[0].share("2:", "hi");
  lines[1].share("2:", "hi");
  lines[0].share("1:", "!");
  lines[1].add("more");  // it is the only user of what both had
  lines[1].share("1:", "!");
  lines.settle();
}

TEST_CASE("OutputQueue forgets what was shared with its last user", "[net]") {
  Lines lines(2);
  lines[0].share("2:", "hi");
  CHECK(lines.pool.same_step(nullptr, "2:", "hi") != nullptr);
  lines.settle();
  CHECK(lines.pool.same_step(nullptr, "2:", "hi") == nullptr);
  lines[1].share("2:", "ho");
  CHECK(lines.pool.same_step(nullptr, "2:", "hi") == nullptr);
}

TEST_CASE("OutputQueue shares no more of what a client does not read", "[net]") {
  const std::string body(OutputQueue::shared_base_bytes_max / 2 + 1, 'b');
  Lines lines(2);
  for (int i = 0; i < 4; ++i) {
    lines[0].share("", body);
    lines[1].share("", body);
  }
  CHECK(lines[0].queue.tail().view().data() != lines[1].queue.tail().view().data());
}

TEST_CASE("OutputQueue gives each socket its bytes, whatever is shared and cut", "[net]") {
  const std::array<std::string, 4> bodies = {"a", "bb", std::string(3000, 'c'),
                                             std::string(15000, 'd')};
  const std::string slice(20000, 's');
  constexpr std::size_t count = 5;
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    std::minstd_rand random(seed + 1);
    Lines lines(count);
    for (int step = 0; step < 60; ++step) {
      const std::string& body = bodies[random() % bodies.size()];
      Line& one = lines[random() % count];
      switch (random() % 9) {
        case 0:
          one.add("alone");
          break;
        case 1:
          one.add_slice(slice);
          break;
        case 2:
          one.read();
          break;
        case 3:
          lines.turn(random() % 2 == 0 ? io::Report::promptly : io::Report::in_passing);
          break;
        case 4:
          one.offer();
          break;
        default:
          for (std::size_t i = random() % 2; i < count; ++i) {
            lines[i].share("<", body);
          }
      }
    }
  }
}

}  // namespace
}  // namespace ringhorn::test
