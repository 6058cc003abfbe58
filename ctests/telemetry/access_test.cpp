#include <cctype>
#include <string>
#include <vector>

#include <ringhorn/telemetry/log.hpp>

#include "telemetry/support.hpp"

using namespace ringhorn::telemetry;
using ringhorn::telemetry::test::Pipe;

namespace {

std::string line_of(const AccessRecord& record, Colors colors = Colors::never) {
  Pipe errors;
  Pipe accesses;
  Log log(Level::info, colors, errors.writer.value(), accesses.writer.value());
  log.access(record);
  log.flush();
  CHECK(errors.take().empty());
  return accesses.take();
}

AccessRecord answer(int status) {
  return {"127.0.0.1:50000", "GET", "/", "1.1", status};
}

}  // namespace

// The expected lines are what uvicorn 0.54 wrote for the same records.
TEST_CASE("Log writes access lines as uvicorn", "[telemetry]") {
  const std::string start = "INFO:     127.0.0.1:50000 - \"GET / HTTP/1.1\" ";
  CHECK(line_of(answer(101)) == start + "101 Switching Protocols\n");
  CHECK(line_of(answer(200)) == start + "200 OK\n");
  CHECK(line_of(answer(204)) == start + "204 No Content\n");
  CHECK(line_of(answer(302)) == start + "302 Found\n");
  CHECK(line_of(answer(404)) == start + "404 Not Found\n");
  CHECK(line_of(answer(418)) == start + "418 I'm a Teapot\n");
  CHECK(line_of(answer(503)) == start + "503 Service Unavailable\n");
  CHECK(line_of(answer(299)) == start + "299 \n");
  CHECK(line_of(answer(999)) == start + "999 \n");
  CHECK(line_of({"", "GET", "/", "1.1", 200}) == "INFO:      - \"GET / HTTP/1.1\" 200 OK\n");
  CHECK(line_of({"::1:50000", "POST", "/a%20b?c=d&e", "1.0", 201}) ==
        "INFO:     ::1:50000 - \"POST /a%20b?c=d&e HTTP/1.0\" 201 Created\n");
}

TEST_CASE("Log colours access lines as uvicorn", "[telemetry]") {
  const auto colored = [](int status) { return line_of(answer(status), Colors::always); };
  const std::string start =
      "\x1b[32mINFO\x1b[0m:     127.0.0.1:50000 - \"\x1b[1mGET / HTTP/1.1\x1b[0m\" ";
  CHECK(colored(101) == start + "\x1b[97m101 Switching Protocols\x1b[0m\n");
  CHECK(colored(200) == start + "\x1b[32m200 OK\x1b[0m\n");
  CHECK(colored(302) == start + "\x1b[33m302 Found\x1b[0m\n");
  CHECK(colored(404) == start + "\x1b[31m404 Not Found\x1b[0m\n");
  CHECK(colored(500) == start + "\x1b[91m500 Internal Server Error\x1b[0m\n");
  CHECK(colored(299) == start + "\x1b[32m299 \x1b[0m\n");
  CHECK(colored(600) == start + "600 \n");
}

TEST_CASE("Log has a phrase for each status of the registry", "[telemetry]") {
  std::size_t count = 0;
  for (int status = 100; status < 600; ++status) {
    const std::string line = line_of(answer(status));
    count += line.back() == '\n' && line[line.size() - 2] != ' ' ? 1 : 0;
  }
  CHECK(count == 62);
  CHECK(line_of(answer(413)).find("413 Content Too Large\n") != std::string::npos);
  CHECK(line_of(answer(431)).find("431 Request Header Fields Too Large\n") != std::string::npos);
}

TEST_CASE("Log survives a status that is none", "[telemetry]") {
  const std::string start = "INFO:     127.0.0.1:50000 - \"GET / HTTP/1.1\" ";
  CHECK(line_of(answer(0)) == start + "0 \n");
  CHECK(line_of(answer(-2147483647 - 1), Colors::always).find("-2147483648") != std::string::npos);
}

TEST_CASE("Log keeps an access line one line for any bytes (robustness 81)", "[telemetry]") {
  std::string all;
  for (int value = 0; value < 256; ++value) {
    all += static_cast<char>(value);
  }
  const std::vector<std::string> hostile = {all,
                                            "/\r\nINFO:     forged",
                                            "/\x1b[2J\x1b]0;title\x07",
                                            "/\" 200 OK\n",
                                            "/\xC2\x85\xE2\x80\xA8",
                                            std::string("/\0/", 3),
                                            std::string(3000, '\n'),
                                            "\\x0a"};
  for (const std::string& text : hostile) {
    for (int place = 0; place < 4; ++place) {
      AccessRecord record = answer(200);
      std::string_view* fields[] = {&record.client, &record.method, &record.target,
                                    &record.http_version};
      *fields[place] = text.substr(0, 900);
      const std::string kept = text.substr(0, 900);
      *fields[place] = kept;
      const std::string line = line_of(record);
      CHECK(line.find('\n') == line.size() - 1);
      CHECK(std::count(line.begin(), line.end(), '"') == 2);
      for (const char c : line.substr(0, line.size() - 1)) {
        REQUIRE((c >= 0x20 && c < 0x7F));
      }
    }
  }
}

TEST_CASE("Log shows hostile bytes as hexadecimal", "[telemetry]") {
  CHECK(line_of({"1.2.3.4:5", "GET", "/a\r\nb\x1b[31m\"\\\xC3\xA9", "1.1", 200}) ==
        "INFO:     1.2.3.4:5 - \"GET /a\\x0d\\x0ab\\x1b[31m\\x22\\x5c\\xc3\\xa9 HTTP/1.1\" 200 "
        "OK\n");
}

TEST_CASE("Log writes access lines at level info and below only", "[telemetry]") {
  for (const Level level :
       {Level::trace, Level::debug, Level::info, Level::warning, Level::error, Level::critical}) {
    Pipe errors;
    Pipe accesses;
    Log log(level, Colors::never, errors.writer.value(), accesses.writer.value());
    log.access(answer(200));
    log.flush();
    CHECK(accesses.take().empty() == (level > Level::info));
  }
}
