// The load of the WebSocket bench: one thread on the ring, messages made ready before the run,
// every answer checked. Prints `measuring` when the warm-up is over, and in the end one line of
// JSON; ends with 1 when anything was wrong.
//
//     ws_load --port N [--path /] [--connections N] [--bytes N] [--kind text|binary] [--deflate]
//             [--mode echo|broadcast|idle] [--seconds N] [--warm-up N]
//
//   echo       each connection sends a message, waits for its echo, sends the next
//   broadcast  the application greets each connection with one message, and sends what one sends to
//              all; the first connection sends, and again when all have received
//   idle       opens the connections, prints `ready`, and holds them until its input ends

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <string>
#include <vector>

#include "latency.hpp"
#include "ring.hpp"
#include "ws_client.hpp"

namespace {

using bench::fail;
using ringhorn::ws::Opcode;

enum class Mode : unsigned { echo, broadcast, idle };

struct Options {
  std::uint16_t port = 0;
  std::string path = "/";
  std::size_t connections = 1;
  std::size_t bytes = 16;
  bool text = true;
  bool deflate = false;
  Mode mode = Mode::echo;
  double seconds = 2;
  double warm_up = 0.5;
};

[[noreturn]] void end_with_usage(std::string_view what) {
  std::fprintf(stderr,
               "ws_load: %.*s\nusage: ws_load --port N [--path /] [--connections N] [--bytes N] "
               "[--kind text|binary] [--deflate] [--mode echo|broadcast|idle] [--seconds N] "
               "[--warm-up N]\n",
               static_cast<int>(what.size()), what.data());
  std::exit(2);
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int at = 1; at < argc; ++at) {
    const std::string_view name = argv[at];
    if (name == "--deflate") {
      options.deflate = true;
      continue;
    }
    if (at + 1 == argc) {
      end_with_usage(name);
    }
    const std::string value = argv[++at];
    const std::size_t number = std::strtoul(value.c_str(), nullptr, 10);
    if (name == "--port") {
      options.port = static_cast<std::uint16_t>(number);
    } else if (name == "--path") {
      options.path = value;
    } else if (name == "--connections") {
      options.connections = number;
    } else if (name == "--bytes") {
      options.bytes = number;
    } else if (name == "--seconds") {
      options.seconds = std::strtod(value.c_str(), nullptr);
    } else if (name == "--warm-up") {
      options.warm_up = std::strtod(value.c_str(), nullptr);
    } else if (name == "--kind" && (value == "text" || value == "binary")) {
      options.text = value == "text";
    } else if (name == "--mode" && (value == "echo" || value == "broadcast" || value == "idle")) {
      options.mode = value == "echo"        ? Mode::echo
                     : value == "broadcast" ? Mode::broadcast
                                            : Mode::idle;
    } else {
      end_with_usage(name);
    }
  }
  if (options.port == 0 || options.connections == 0) {
    end_with_usage("--port and --connections are needed");
  }
  return options;
}

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// One connection with the handshake behind it.
struct Connection {
  int fd = -1;
  bench::Deflate deflate;
  bench::Incoming incoming;
  std::string early;     ///< what came behind the head of the handshake's answer
  std::size_t next = 0;  ///< the message that it sends next, or expects
  std::uint64_t sent_at = 0;
  bool greeted = false;
  std::string control;  ///< a pong on its way
};

/// The value of a field of the answer; its name is in lower case there too.
std::string field_of(const std::string& head, const std::string& name) {
  std::string lower = head;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::size_t at = lower.find("\r\n" + name + ":");
  if (at == std::string::npos) {
    return {};
  }
  const std::size_t begin = head.find_first_not_of(' ', at + name.size() + 3);
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

bench::Deflate read_agreement(const std::string& answer) {
  bench::Deflate deflate;
  deflate.enabled = answer.find("permessage-deflate") != std::string::npos;
  deflate.server_takeover = answer.find("server_no_context_takeover") == std::string::npos;
  constexpr std::string_view bits = "client_max_window_bits=";
  if (const std::size_t at = answer.find(bits); at != std::string::npos) {
    deflate.client_window_bits = std::atoi(answer.c_str() + at + bits.size());
  }
  return deflate;
}

/// Connects and shakes hands, blocking: what is measured comes later.
void open(Connection& connection, const Options& options) {
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(connection.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail("ws_load: connect", errno);
  }
  const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  const std::string request =
      "GET " + options.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n" +
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n" +
      (options.deflate ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                       : "") +
      "\r\n";
  if (::send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    fail("ws_load: send", errno);
  }
  std::string answer;
  std::size_t end = std::string::npos;
  while (end == std::string::npos) {
    char piece[4096];
    const ssize_t size = ::recv(connection.fd, piece, sizeof piece, 0);
    if (size <= 0) {
      fail("ws_load: no answer to the handshake", size < 0 ? errno : ECONNRESET);
    }
    answer.append(piece, static_cast<std::size_t>(size));
    end = answer.find("\r\n\r\n");
  }
  const std::string head = answer.substr(0, end + 2);
  const auto expected = ringhorn::ws::accept_value(key);
  if (head.compare(0, 12, "HTTP/1.1 101") != 0 ||
      field_of(head, "sec-websocket-accept") != std::string(expected.begin(), expected.end())) {
    std::fprintf(stderr, "ws_load: the handshake was answered with\n%s", head.c_str());
    std::exit(1);
  }
  connection.early = answer.substr(end + 4);
  connection.deflate = read_agreement(field_of(head, "sec-websocket-extensions"));
  connection.incoming.agree(connection.deflate);
}

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options),
        messages_(options.bytes, options.text),
        connections_(options.connections) {
    for (Connection& connection : connections_) {
      open(connection, options_);
    }
    messages_.make_frames(connections_.front().deflate);
  }

  int run() {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      ring_.arm_receive(connections_[i].fd, data_of(Kind::receive, i));
      connections_[i].next = i;
      receive(i, connections_[i].early);
    }
    if (options_.mode == Mode::idle) {
      return hold();
    }
    if (options_.mode == Mode::echo) {
      for (std::size_t i = 0; i < connections_.size(); ++i) {
        send_next(i);
      }
    }
    turn_until(options_.warm_up);
    std::printf("measuring\n");
    std::fflush(stdout);
    latencies_ = {};
    const double cpu_before = cpu_seconds();
    const std::uint64_t begin = now_ns();
    turn_until(options_.seconds);
    report(static_cast<double>(now_ns() - begin) / 1e9, cpu_seconds() - cpu_before);
    return fault_ == nullptr ? 0 : 1;
  }

 private:
  enum class Kind : unsigned { receive, send, control, input };

  static std::uint64_t data_of(Kind kind, std::size_t connection) {
    return static_cast<std::uint64_t>(kind) << 32 | connection;
  }

  void turn_until(double seconds) {
    constexpr std::uint64_t patience_ns = 10'000'000'000;
    const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
    last_progress_ = now_ns();
    for (std::uint64_t now = now_ns(); now < end && fault_ == nullptr; now = now_ns()) {
      ring_.turn(static_cast<std::int64_t>(std::min<std::uint64_t>(end - now, 1'000'000'000)),
                 [this](const io_uring_cqe& cqe) { handle(cqe); });
      if (now > last_progress_ + patience_ns) {
        fault_ = "nothing was received for ten seconds";
      }
    }
  }

  int hold() {
    std::printf("ready\n");
    std::fflush(stdout);
    char byte = 0;
    io_uring_sqe* const sqe = ring_.next_sqe();
    ::io_uring_prep_read(sqe, STDIN_FILENO, &byte, 1, 0);
    ::io_uring_sqe_set_data64(sqe, data_of(Kind::input, 0));
    while (!input_ended_ && fault_ == nullptr) {
      ring_.turn(-1, [this](const io_uring_cqe& cqe) { handle(cqe); });
    }
    report(0, 0);
    return fault_ == nullptr ? 0 : 1;
  }

  void handle(const io_uring_cqe& cqe) {
    const std::size_t index = cqe.user_data & 0xffffffff;
    switch (static_cast<Kind>(cqe.user_data >> 32)) {
      case Kind::receive:
        return on_received(index, cqe);
      case Kind::send:
      case Kind::control:
        if (cqe.res < 0) {
          fault_ = "a message could not be sent";
        }
        return;
      case Kind::input:
        input_ended_ = true;
        return;
    }
  }

  void on_received(std::size_t index, const io_uring_cqe& cqe) {
    if (cqe.res > 0) {
      receive(index, ring_.bytes_of(cqe));
      ring_.give_back(cqe);
    } else if (cqe.res != -ENOBUFS) {
      fault_ = "the server closed a connection";
      return;
    }
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
      ring_.arm_receive(connections_[index].fd, data_of(Kind::receive, index));
    }
  }

  void receive(std::size_t index, std::string_view bytes) {
    Connection& connection = connections_[index];
    connection.incoming.feed(
        bytes, [&](const bench::Incoming::Message& message) { on_message(index, message); });
    if (connection.incoming.fault() != nullptr) {
      fault_ = connection.incoming.fault();
    }
  }

  void on_message(std::size_t index, const bench::Incoming::Message& message) {
    Connection& connection = connections_[index];
    switch (static_cast<Opcode>(message.opcode)) {
      case Opcode::text:
      case Opcode::binary:
        break;
      case Opcode::ping:
        connection.control = bench::client_frame(0x8A, message.payload);
        return ring_.send(connection.fd, connection.control, data_of(Kind::control, index));
      case Opcode::close:
        fault_ = "the server said Close";
        return;
      default:
        return;
    }
    if (options_.mode != Mode::echo && !connection.greeted) {
      return on_greeting(connection);
    }
    const bool broadcast = options_.mode == Mode::broadcast;
    const std::size_t number = broadcast ? published_ : connection.next;
    if (message.opcode != messages_.opcode() || message.payload != messages_.payload(number)) {
      fault_ = "an answer that is not what was sent";
      return;
    }
    const std::uint64_t now = now_ns();
    last_progress_ = now;
    latencies_.add(now - (broadcast ? connections_.front().sent_at : connection.sent_at));
    if (!broadcast) {
      ++connection.next;
      send_next(index);
    } else if (++received_ == connections_.size()) {
      publish();
    }
  }

  void on_greeting(Connection& connection) {
    connection.greeted = true;
    if (options_.mode == Mode::broadcast && ++greeted_ == connections_.size()) {
      publish();
    }
  }

  void publish() {
    received_ = 0;
    connections_.front().next = ++published_;
    send_next(0);
  }

  void send_next(std::size_t index) {
    Connection& connection = connections_[index];
    connection.sent_at = now_ns();
    ring_.send(connection.fd, messages_.frame(connection.next), data_of(Kind::send, index));
  }

  void report(double seconds, double cpu) const {
    const auto count = static_cast<double>(latencies_.total());
    const char* const modes[] = {"echo", "broadcast", "idle"};
    std::printf(
        "{\"mode\": \"%s\", \"connections\": %zu, \"bytes\": %zu, \"kind\": \"%s\", "
        "\"deflate\": %s, \"seconds\": %.3f, \"messages\": %.0f, \"messages_per_second\": %.0f, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f, \"load_cpu_share\": %.3f, \"fault\": %s%s%s}\n",
        modes[static_cast<unsigned>(options_.mode)], connections_.size(), options_.bytes,
        options_.text ? "text" : "binary", connections_.front().deflate.enabled ? "true" : "false",
        seconds, count, seconds > 0 ? count / seconds : 0, latencies_.microseconds_at(0.5),
        latencies_.microseconds_at(0.99), seconds > 0 ? cpu / seconds : 0,
        fault_ != nullptr ? "\"" : "", fault_ != nullptr ? fault_ : "null",
        fault_ != nullptr ? "\"" : "");
  }

  const Options options_;
  bench::Messages messages_;
  bench::Ring ring_{1024, 16384};
  std::vector<Connection> connections_;
  bench::Latencies latencies_;
  std::size_t greeted_ = 0;
  std::size_t published_ = 0;
  std::size_t received_ = 0;
  std::uint64_t last_progress_ = 0;
  const char* fault_ = nullptr;
  bool input_ended_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return Load(read_options(argc, argv)).run();
}
