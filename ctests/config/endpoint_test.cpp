#include <ringhorn/config/endpoint.hpp>

#include <string>

#include "config/support.hpp"

using namespace ringhorn::config;
using ringhorn::config::test::options_of;

namespace {

std::string shown(const Endpoint& endpoint) {
  switch (endpoint.kind) {
    case Endpoint::Kind::tcp:
      return "tcp <" + endpoint.host + "> " + std::to_string(endpoint.port);
    case Endpoint::Kind::unix_path:
      return "unix <" + endpoint.host + ">";
    case Endpoint::Kind::unix_abstract:
      return "abstract <" + endpoint.host + ">";
    case Endpoint::Kind::descriptor:
      return "fd " + std::to_string(endpoint.descriptor);
  }
  return "";
}

std::string read(const std::string& text) {
  const auto endpoint = read_endpoint(text, 8000);
  return endpoint ? shown(*endpoint) : "none";
}

std::string all(const Options& options) {
  std::string text;
  for (const Endpoint& endpoint : endpoints_of(options)) {
    text += (text.empty() ? "" : ", ") + shown(endpoint);
  }
  return text;
}

}  // namespace

TEST_CASE("read_endpoint reads every form", "[config]") {
  CHECK(read("0.0.0.0:80") == "tcp <0.0.0.0> 80");
  CHECK(read("localhost") == "tcp <localhost> 8000");
  CHECK(read(":80") == "tcp <> 80");
  CHECK(read("[::1]:0") == "tcp <::1> 0");
  CHECK(read("[::]") == "tcp <::> 8000");
  CHECK(read("[fe80::1%eth0]:65535") == "tcp <fe80::1%eth0> 65535");
  CHECK(read("unix:/run/app.sock") == "unix </run/app.sock>");
  CHECK(read("unix:relative path") == "unix <relative path>");
  CHECK(read("unix:@app") == "abstract <app>");
  CHECK(read("fd://3") == "fd 3");
  CHECK(read("fd://0") == "fd 0");
  CHECK(read("unix:" + std::string(107, 'x')) == "unix <" + std::string(107, 'x') + ">");
  CHECK(read("unix:@" + std::string(107, 'x')) == "abstract <" + std::string(107, 'x') + ">");
}

TEST_CASE("read_endpoint refuses what is none", "[config]") {
  for (const std::string text :
       {"",        " ",        ":",           "host:",        "host:x", "host:65536",
        "host:-1", "host:80 ", "::1:80",      "::1",          "[::1",   "[]:80",
        "[::1]80", "[::1]:",   "http://host", "host/path:80", "unix:",  "unix:@",
        "fd://",   "fd://x",   "fd://-1",     "fd://9999999", "a b:80"}) {
    CAPTURE(text);
    CHECK(read(text) == "none");
  }
  CHECK(read("unix:" + std::string(108, 'x')) == "none");
  CHECK(read("unix:@" + std::string(108, 'x')) == "none");
}

TEST_CASE("endpoints_of takes host and port unless something else is given", "[config]") {
  const auto given = [](std::vector<std::string> arguments) {
    arguments.emplace_back("main:app");
    return all(options_of(arguments));
  };
  CHECK(given({}) == "tcp <127.0.0.1> 8000");
  CHECK(given({"--host", "::1", "--port", "1"}) == "tcp <::1> 1");
  CHECK(given({"--port", "1", "--uds", "/a"}) == "unix </a>");
  CHECK(given({"--port", "1", "--fd", "3"}) == "fd 3");
  CHECK(given({"-b", ":1", "--bind", "[::1]:2", "-bunix:/b", "--uds", "/a", "--fd", "4"}) ==
        "tcp <> 1, tcp <::1> 2, unix </b>, unix </a>, fd 4");
  CHECK(all(options_of({"m:a"}, {{"RINGHORN_BINDS", ":1 unix:/b"}})) == "tcp <> 1, unix </b>");
}
