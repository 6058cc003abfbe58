#include "../../src/net/default_fields.hpp"

#include <ringhorn/net/server.hpp>

#include "support/catch.hpp"

namespace ringhorn::net {
namespace {

void check_block(const Settings& settings, std::string_view expected) {
  DefaultFields fields(settings);
  std::string block(fields.view(0));
  if (const LineRange date = fields.date_line(); date.size > 0) {
    CHECK(date.offset == 0);
    block.replace(6, 29, "DATE");
  }
  CHECK(block == expected);
}

TEST_CASE("DefaultFields stand in uvicorn's order: date, server, --header", "[net]") {
  Settings settings;
  check_block(settings, "date: DATE\r\nserver: ringhorn\r\n");
  settings.extra_fields = "x-a: 1\r\n";
  check_block(settings, "date: DATE\r\nserver: ringhorn\r\nx-a: 1\r\n");
  settings.date_header = false;
  check_block(settings, "server: ringhorn\r\nx-a: 1\r\n");
  settings.server_header.clear();
  check_block(settings, "x-a: 1\r\n");
}

TEST_CASE("DefaultFields leave out what --header names itself", "[net]") {
  Settings settings;
  settings.extra_fields = "X-A: date: server:\r\nServer: mine\r\n";
  check_block(settings, "date: DATE\r\nX-A: date: server:\r\nServer: mine\r\n");
  settings.extra_fields = "DATE: never\r\n";
  check_block(settings, "server: ringhorn\r\nDATE: never\r\n");
}

TEST_CASE("DefaultFields hold a date of the form of RFC 9110 5.6.7", "[net]") {
  Settings settings;
  DefaultFields fields(settings);
  const std::string_view block = fields.view(0);
  CHECK(block.substr(0, 6) == "date: ");
  CHECK(block.substr(9, 2) == ", ");
  CHECK(block.substr(32, 5) == "GMT\r\n");
}

TEST_CASE("DefaultFields are taken out of a head line by line", "[net]") {
  Settings settings;
  settings.extra_fields = "x-a: 1\r\n";
  DefaultFields fields(settings);
  base::ByteBuffer head;
  head.append("HTTP/1.1 200 OK\r\n");
  const std::size_t offset = head.size();
  head.append(fields.view(0));
  head.append("server: mine\r\n");
  drop_line(head, offset, fields.server_line());
  drop_line(head, offset, fields.date_line());
  CHECK(head.view() == "HTTP/1.1 200 OK\r\nx-a: 1\r\nserver: mine\r\n");
}

}  // namespace
}  // namespace ringhorn::net
