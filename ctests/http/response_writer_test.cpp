// Fields and status lines of responses: robustness 40, 42 (writing), 53 to 56; asgi 40 to 42.
#include <string>
#include <string_view>

#include <ringhorn/http/response_writer.hpp>

#include "support/catch.hpp"
#include "support/guard_page.hpp"

using ringhorn::base::ByteBuffer;
using ringhorn::http::FieldError;
using ringhorn::http::reason_phrase;
using ringhorn::http::ResponseContext;
using ringhorn::http::ResponseWriter;
using ringhorn::http::Version;
using ringhorn::http::write_plain_response;

namespace {

// What one field makes of the head of a 200 with a body of 0 bytes, and the verdict on it.
struct Written {
  FieldError error;
  std::string head;
};
Written write_field(std::string_view name, std::string_view value) {
  ringhorn::support::GuardedBytes guarded_name(name.size() + 1);
  ringhorn::support::GuardedBytes guarded_value(value.size() + 1);
  const auto placed_name = guarded_name.place(name);
  const auto placed_value = guarded_value.place(value);
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, 200, {});
  const FieldError error = writer.add_field({placed_name.data(), placed_name.size()},
                                            {placed_value.data(), placed_value.size()});
  writer.end_head(0);
  return {error, std::string(out.view())};
}

const std::string bare = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

void check_refused(std::string_view name, std::string_view value, FieldError error) {
  const Written written = write_field(name, value);
  INFO("name: " << name << ", value: " << value);
  REQUIRE(written.error == error);
  REQUIRE(written.head == bare);
}

void check_written(std::string_view name, std::string_view value, const std::string& line) {
  const Written written = write_field(name, value);
  INFO("name: " << name << ", value: " << value);
  REQUIRE(written.error == FieldError::none);
  REQUIRE(written.head == "HTTP/1.1 200 OK\r\n" + line + "content-length: 0\r\n\r\n");
}

std::string write_connection(Version version, bool keep_alive, std::string_view app_value) {
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, 200, {.version = version, .keep_alive = keep_alive});
  if (!app_value.empty()) {
    REQUIRE(writer.add_field("Connection", app_value) == FieldError::none);
  }
  writer.end_head(0);
  std::string head(out.view());
  const std::string::size_type length = head.find("content-length: 0\r\n");
  REQUIRE(length != std::string::npos);
  head.erase(length, 19);
  return head.substr(17, head.size() - 19) + (writer.keep_alive() ? "stays" : "closes");
}

}  // namespace

TEST_CASE("robustness 55: no byte of a name breaks out of its line", "[http]") {
  const std::string marks = "!#$%&'*+-.^_`|~";
  for (const std::size_t size : {1U, 2U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 32U, 33U, 50U}) {
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
        std::string name(size, 'N');
        std::string lower(size, 'n');
        name[at] = c;
        lower[at] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        if (alnum || marks.find(c) != marks.npos) {
          check_written(name, "v", lower + ": v\r\n");
        } else {
          check_refused(name, "v", FieldError::bad_name);
        }
      }
    }
  }
  check_refused("", "v", FieldError::bad_name);
  check_refused("x\r\nset-cookie", "v", FieldError::bad_name);
  check_refused(":status", "200", FieldError::bad_name);
}

TEST_CASE("robustness 55: no byte of a value breaks out of its line", "[http]") {
  for (const std::size_t size : {1U, 2U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 32U, 33U, 50U}) {
    for (int byte = 0; byte < 256; ++byte) {
      for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
        std::string value(size, 'v');
        value[at] = static_cast<char>(byte);
        if ((byte >= 0x20 && byte != 0x7f) || byte == '\t') {
          check_written("x-name", value, "x-name: " + value + "\r\n");
        } else {
          check_refused("x-name", value, FieldError::bad_value);
        }
      }
    }
  }
  check_written("x", "", "x: \r\n");
  check_refused("location", "/\r\nset-cookie: a=b", FieldError::bad_value);
  check_refused("content-length", "0\r\n\r\n<script>", FieldError::bad_value);
  check_refused("connection", "close\r\nx: y", FieldError::bad_value);
  check_refused("transfer-encoding", "chunked\r\nx: y", FieldError::bad_value);
}

TEST_CASE("lesson 18: Set-Cookie and high bytes go out as they were given", "[http]") {
  const std::string cookie = "a=b; expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax; Path=/";
  check_written("Set-Cookie", cookie, "set-cookie: " + cookie + "\r\n");
  check_written("x", "\xff\x80 text \xc3\xa9", "x: \xff\x80 text \xc3\xa9\r\n");
}

TEST_CASE("asgi 41: fields keep their order and their duplicates", "[http]") {
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, 200, {});
  writer.add_block("date: now\r\n");
  writer.add_field("B", "1");
  writer.add_field("Content-Length", "3");
  writer.add_field("A", "2");
  writer.add_field("b", "1");
  writer.end_head(3);
  REQUIRE(out.view() ==
          "HTTP/1.1 200 OK\r\ndate: now\r\nb: 1\r\ncontent-length: 3\r\na: 2\r\nb: 1\r\n\r\n");
}

TEST_CASE("asgi 40: an application's Transfer-Encoding is swallowed", "[http]") {
  check_written("Transfer-Encoding", "chunked", "");
  check_written("transfer-encoding", "gzip", "");
}

TEST_CASE("robustness 54: Content-Length is digits, and one number", "[http]") {
  for (const char* value : {"", "a", "-1", "+1", " 1", "1 ", "0x1", "1,1", "9223372036854775808",
                            "99999999999999999999", "1e3"}) {
    check_refused("content-length", value, FieldError::bad_content_length);
  }
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, 200, {});
  REQUIRE(writer.add_field("content-length", "005") == FieldError::none);
  REQUIRE(writer.add_field("Content-Length", "5") == FieldError::none);
  REQUIRE(writer.add_field("content-length", "6") == FieldError::bad_content_length);
  writer.end_head(5);
  REQUIRE(out.view() == "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
}

TEST_CASE("robustness 35: the writer says close or keep-alive, once", "[http]") {
  REQUIRE(write_connection(Version::http_1_1, true, "") == "stays");
  REQUIRE(write_connection(Version::http_1_1, false, "") == "connection: close\r\ncloses");
  REQUIRE(write_connection(Version::http_1_1, true, "close") == "connection: close\r\ncloses");
  REQUIRE(write_connection(Version::http_1_1, false, "Close") == "connection: close\r\ncloses");
  REQUIRE(write_connection(Version::http_1_1, true, "keep-alive") == "stays");
  REQUIRE(write_connection(Version::http_1_1, false, "keep-alive") ==
          "connection: close\r\ncloses");
  REQUIRE(write_connection(Version::http_1_1, true, "upgrade") == "connection: upgrade\r\nstays");
  REQUIRE(write_connection(Version::http_1_1, true, "a, close ,,b, Keep-Alive") ==
          "connection: a, b\r\nconnection: close\r\ncloses");
  REQUIRE(write_connection(Version::http_1_0, true, "") == "connection: keep-alive\r\nstays");
  REQUIRE(write_connection(Version::http_1_0, false, "") == "connection: close\r\ncloses");
  REQUIRE(write_connection(Version::http_1_0, true, "close") == "connection: close\r\ncloses");
}

TEST_CASE("ResponseWriter lets keep-alive be taken back before the head ends", "[http]") {
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, 200, {});
  writer.forbid_keep_alive();
  writer.end_head(0);
  REQUIRE(out.view() == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

TEST_CASE("robustness 44: the writer notes the application's date and server", "[http]") {
  ByteBuffer out;
  ResponseWriter writer;
  writer.begin(out, 200, {});
  writer.add_field("Data", "x");
  writer.add_field("Servex", "x");
  REQUIRE_FALSE(writer.has_date());
  REQUIRE_FALSE(writer.has_server());
  writer.add_field("Date", "x");
  REQUIRE(writer.has_date());
  writer.add_field("SERVER", "x");
  REQUIRE(writer.has_server());
  writer.begin(out, 200, {});
  REQUIRE_FALSE(writer.has_date());
  REQUIRE_FALSE(writer.has_server());
}

TEST_CASE("robustness 56: every status from 100 to 999 has a status line", "[http]") {
  for (int status = 100; status <= 999; ++status) {
    ByteBuffer out;
    ResponseWriter writer;
    writer.begin(out, status, {});
    REQUIRE(out.view() == "HTTP/1.1 " + std::to_string(status) + " " +
                              std::string(reason_phrase(status)) + "\r\n");
    REQUIRE(writer.status() == status);
  }
  REQUIRE(reason_phrase(200) == "OK");
  REQUIRE(reason_phrase(404) == "Not Found");
  REQUIRE(reason_phrase(431) == "Request Header Fields Too Large");
  REQUIRE(reason_phrase(100) == "Continue");
  REQUIRE(reason_phrase(511) == "Network Authentication Required");
  for (const int status : {-1, 0, 99, 299, 599, 600, 700, 999, 1000}) {
    REQUIRE(reason_phrase(status).empty());
  }
}

TEST_CASE("robustness 47: a response of the server's own is plain text and closes", "[http]") {
  ByteBuffer out;
  write_plain_response(out, 503, "Service Unavailable", "", false);
  REQUIRE(out.view() ==
          "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n"
          "content-length: 19\r\nconnection: close\r\n\r\nService Unavailable");
  out.clear();
  write_plain_response(out, 400, "Invalid HTTP request received.", "server: ringhorn\r\n", true);
  REQUIRE(out.view() ==
          "HTTP/1.1 400 Bad Request\r\nserver: ringhorn\r\ncontent-type: text/plain; "
          "charset=utf-8\r\ncontent-length: 30\r\nconnection: close\r\n\r\n");
}
