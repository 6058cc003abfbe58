// A WebSocket between its client and the application: the hand-over, the flow both ways, the ends.
#include <string>

#include "support/web_socket.hpp"

namespace ringhorn::test {
namespace {

net::Settings quiet_settings() {
  net::Settings settings = test_settings();
  settings.linger_ns = settings.drain_ns = 200 * base::ns_per_ms;
  return settings;
}

struct Chat {
  explicit Chat(const net::Settings& settings = quiet_settings()) : world(settings, application) {
    application.when_asked = [](Socket& socket) {
      socket.when_message = [](Socket& ready) { ready.send("<" + ready.messages.back() + ">"); };
      socket.accept();
    };
  }
  Client open() {
    Client client = world.connect();
    client.send(handshake);
    CHECK(world.receive(client, switching));
    client.take();
    return client;
  }

  SocketApplication application;
  World world;
};

TEST_CASE("WebSocket begins with the head of RFC 6455 1.3 and echoes", "[net]") {
  Chat chat;
  Client client = chat.open();
  client.send(text_frame("a"));
  CHECK(chat.world.receive(client, server_frame(1, "<a>")));
  CHECK(chat.world.server().exchange_count() == 0);
  CHECK(chat.world.log_text().find("- \"WebSocket /chat\" [accepted]\n") != std::string::npos);
}

TEST_CASE("WebSocket gives the same answers however its bytes are cut", "[net]") {
  const std::string bytes = handshake + text_frame("one") + ws::frame(ws::Opcode::ping, "p") +
                            ws::frame(ws::Opcode::text, "tw", ws::more) +
                            ws::frame(ws::Opcode::continuation, "o") + close_frame(1000);
  const std::string answers = switching + server_frame(1, "<one>") + server_frame(10, "p") +
                              server_frame(1, "<two>") + server_close(1000);
  for (std::size_t cut = 1; cut <= bytes.size(); cut += cut < handshake.size() ? 7 : 1) {
    CAPTURE(cut);
    Chat chat;
    Client client = chat.world.connect();
    client.send(bytes.substr(0, cut));
    chat.world.turns(3);
    client.send(bytes.substr(cut));
    CHECK(chat.world.receive_all(client) == answers);
    CHECK(chat.application.last().code == 1000);
  }
}

TEST_CASE("WebSocket accepted later gets the frames that came behind the handshake", "[net]") {
  Chat chat;
  chat.application.when_asked = [](Socket&) {};
  Client client = chat.world.connect();
  client.send(handshake + text_frame("early"));
  REQUIRE(chat.world.until([&] { return !chat.application.sockets.empty(); }));
  chat.world.turns(3);
  Socket& socket = chat.application.last();
  CHECK(chat.world.server().exchange_count() == 1);
  socket.accept();
  CHECK(socket.messages.empty());
  CHECK(chat.world.until([&] { return !socket.messages.empty(); }));
  CHECK(socket.messages.front() == "early");
}

TEST_CASE("WebSocket that is not wanted more is read no more, and loses nothing", "[net]") {
  Chat chat;
  Client client = chat.open();
  Socket& socket = chat.application.last();
  socket.when_message = nullptr;
  socket.appetite = net::Appetite::none;
  const std::string piece = text_frame(std::string(1000, 'x'));
  std::size_t sent = 0;
  // Until the kernel's buffers are full, too.
  const bool blocked = chat.world.until([&] {
    const std::size_t taken = client.send(piece);
    sent += taken;
    return taken < piece.size();
  });
  REQUIRE(blocked);
  chat.world.turns(5);
  CHECK(socket.messages.size() == 1);
  socket.appetite = net::Appetite::more;
  socket.socket->want_more();
  CHECK(chat.world.until([&] { return socket.messages.size() == sent / piece.size(); }));
  CHECK(socket.code == 0);
}

TEST_CASE("WebSocket whose client does not read makes send wait", "[net]") {
  Chat chat;
  Client client = chat.world.connect(4096);
  client.send(handshake);
  REQUIRE(chat.world.receive(client, switching));
  Socket& socket = chat.application.last();
  const std::string text(10000, 'x');
  while (socket.send(text) == net::WebSocket::Sent::done) {
    chat.world.turns(1);
  }
  CHECK(socket.writable_calls == 0);
  CHECK(chat.world.until([&] {
    client.fill();
    return socket.writable_calls == 1;
  }));
}

TEST_CASE("WebSocket stops reading a client that pings and does not read", "[net]") {
  Chat chat;
  Client client = chat.world.connect(4096);
  client.send(handshake);
  REQUIRE(chat.world.receive(client, switching));
  const std::string ping = ws::frame(ws::Opcode::ping, std::string(125, 'p'));
  std::string pings;
  for (int i = 0; i < 500; ++i) {
    pings += ping;
  }
  std::size_t sent = 0;
  REQUIRE(chat.world.until([&] {
    const std::size_t taken = client.send(pings);
    sent += taken;
    return taken < pings.size();
  }));
  CHECK(sent < 32U << 20);
  // It reads at last, and gets every pong.
  client.send(std::string_view(pings).substr(sent % ping.size() == 0 ? 0 : sent % ping.size(),
                                             ping.size() - sent % ping.size()));
  std::size_t got = 0;
  CHECK(chat.world.until([&] {
    client.fill();
    got += client.take().size();
    return got >= sent / ping.size() * 127;
  }));
}

TEST_CASE("WebSocket answers what came before a broken frame first", "[net]") {
  Chat chat;
  chat.application.when_asked = [](Socket& socket) { socket.accept(); };
  Client client = chat.open();
  client.send(text_frame("a") + ws::frame(ws::Opcode::text, "b", {.reserved = 0x40}));
  Socket& socket = chat.application.last();
  // As a Python task does: it answers after the dispatch.
  REQUIRE(chat.world.until([&] { return !socket.messages.empty(); }));
  REQUIRE(socket.code == 0);
  socket.send("<a>");
  const std::string answers = chat.world.receive_all(client);
  CHECK(answers.starts_with(server_frame(1, "<a>") + "\x88"));
  CHECK(answers.substr(7, 2) == "\x03\xEA");
  CHECK(socket.code == 1002);
}

TEST_CASE("WebSocket closed by the application waits for the client's Close (lesson 36)", "[net]") {
  Chat chat;
  Client client = chat.open();
  chat.application.last().close(3001);
  REQUIRE(chat.world.receive(client, server_close(3001, "bye")));
  client.send(text_frame("dropped"));
  chat.world.turns(5);
  CHECK_FALSE(client.ended());
  CHECK(chat.world.server().connection_count() == 1);
  client.send(close_frame(3001));
  CHECK(chat.world.receive_all(client) == server_close(3001, "bye"));
  CHECK_FALSE(client.was_reset());
  CHECK(chat.application.last().messages.empty());
  client.close();
  CHECK(chat.world.no_connections());
}

TEST_CASE("WebSocket does not wait for ever for a Close or a pong", "[net]") {
  net::Settings settings = quiet_settings();
  settings.web_socket.close_ns = 30 * base::ns_per_ms;
  Chat closing(settings);
  Client client = closing.open();
  closing.application.last().close(1000);
  CHECK(closing.world.receive_all(client) == server_close(1000, "bye"));

  settings.web_socket.ping_interval_ns = settings.web_socket.ping_timeout_ns = 30 * base::ns_per_ms;
  Chat pinging(settings);
  Client mute = pinging.open();
  const std::string said = pinging.world.receive_all(mute);
  CHECK(said ==
        server_frame(9, std::string("\1\0\0\0", 4)) + server_close(1011, "keepalive ping timeout"));
  CHECK(pinging.application.last().code == 1011);
  CHECK(pinging.application.last().reason == "keepalive ping timeout");
}

TEST_CASE("WebSocket pings again when its client has answered", "[net]") {
  net::Settings settings = quiet_settings();
  settings.web_socket.ping_interval_ns = 20 * base::ns_per_ms;
  Chat chat(settings);
  Client client = chat.open();
  for (char number = 1; number < 4; ++number) {
    const std::string payload{number, '\0', '\0', '\0'};
    REQUIRE(chat.world.receive(client, server_frame(9, payload)));
    client.take();
    client.send(ws::frame(ws::Opcode::pong, "unasked") + ws::frame(ws::Opcode::pong, payload));
  }
}

TEST_CASE("WebSocket tells the application how it ended", "[net]") {
  Chat chat;
  Client gone = chat.open();
  gone.send(text_frame("last words"));
  gone.finish();
  CHECK(chat.world.until([&] { return chat.application.last().code == 1006; }));
  CHECK(chat.application.last().messages.size() == 1);
  Client reset = chat.open();
  reset.reset();
  CHECK(chat.world.until([&] { return chat.application.last().code == 1006; }));
  Client silent = chat.open();
  silent.send(ws::frame(ws::Opcode::close, ""));
  CHECK(chat.world.receive_all(silent) == server_frame(8, ""));
  CHECK(chat.application.last().code == 1005);
}

TEST_CASE("Server that drains lets the message in hand be answered", "[net]") {
  Chat chat;
  Client client = chat.open();
  Socket& socket = chat.application.last();
  client.send(text_frame("question"));
  REQUIRE(chat.world.until([&] { return socket.messages.size() == 1; }));
  socket.in_hand = true;
  chat.world.server().drain({}, [] {});
  chat.world.turns(5);
  CHECK(socket.code == 0);
  socket.send("answer");
  socket.in_hand = false;
  socket.socket->note_idle();
  REQUIRE(chat.world.until([&] { return socket.code == 1012; }));
  CHECK(chat.world.receive(
      client, server_frame(1, "<question>") + server_frame(1, "answer") + server_close(1012)));
}

TEST_CASE("Server that drains waits for a message in hand as long as for a Close", "[net]") {
  net::Settings settings = quiet_settings();
  settings.web_socket.close_ns = 20 * base::ns_per_ms;
  Chat chat(settings);
  Client client = chat.open();
  chat.application.last().in_hand = true;
  chat.world.server().drain({}, [] {});
  CHECK(chat.application.last().code == 0);
  CHECK(chat.world.receive(client, server_close(1012)));
  CHECK(chat.application.last().code == 1012);
}

TEST_CASE("Server that hurries says 1012 whatever is in hand", "[net]") {
  Chat chat;
  Client busy = chat.open();
  Socket& socket = chat.application.last();
  socket.in_hand = true;
  chat.world.server().drain({}, [] {});
  REQUIRE(socket.code == 0);
  chat.world.server().hurry();
  CHECK(socket.code == 1012);
  CHECK(chat.world.receive(busy, server_close(1012)));
}

TEST_CASE("Server that drains says 1012 to WebSockets and to the application first", "[net]") {
  Chat chat;
  Client client = chat.open();
  Socket& socket = chat.application.last();
  socket.when_closed = [&](Socket&) { CHECK(client.received().empty()); };
  chat.application.when_asked = [](Socket&) {};
  Client asking = chat.world.connect();
  asking.send(handshake);
  REQUIRE(chat.world.until([&] { return chat.application.sockets.size() == 2; }));
  bool idle = false;
  chat.world.server().drain({}, [&] { idle = true; });
  CHECK(socket.code == 1012);
  CHECK(chat.application.last().disconnects == 1);
  CHECK(chat.world.receive(client, server_close(1012)));
  client.send(close_frame(1012));
  chat.world.receive_all(client);
  client.close();
  CHECK(chat.world.receive_all(asking).starts_with("HTTP/1.1 503 "));
  asking.close();
  CHECK(chat.world.until([&] { return idle; }));
}

TEST_CASE("Handshake that is not answered, or not right, is refused", "[net]") {
  net::Settings settings = quiet_settings();
  settings.web_socket.handshake_ns = 30 * base::ns_per_ms;
  Chat chat(settings);
  chat.application.when_asked = [](Socket&) {};
  Client waiting = chat.world.connect();
  waiting.send(handshake);
  CHECK(chat.world.receive_all(waiting).starts_with("HTTP/1.1 503 "));
  CHECK(chat.application.last().disconnects == 1);

  std::string wrong = handshake;
  wrong.replace(wrong.find("13"), 2, "12");
  Client old = chat.world.connect();
  old.send(wrong);
  const std::string answer = chat.world.receive_all(old);
  CHECK(answer.starts_with("HTTP/1.1 426 "));
  CHECK(answer.find("\r\nsec-websocket-version: 13\r\n") != std::string::npos);
  CHECK(chat.application.sockets.size() == 1);
}

}  // namespace
}  // namespace ringhorn::test
