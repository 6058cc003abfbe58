#include <ringhorn/telemetry/banner.hpp>

#include <string>

#include "telemetry/support.hpp"

using namespace ringhorn::telemetry;
using ringhorn::telemetry::test::open_for_writing;

// The expected texts are uvicorn 0.54's, with its name replaced by ours.
TEST_CASE("banner texts are uvicorn's", "[telemetry]") {
  const auto nowhere = open_for_writing("/dev/null");
  const Log log(Level::info, Colors::never, nowhere.value(), nowhere.value());
  CHECK(started_server_process(7, log) == "Started server process [7]");
  CHECK(finished_server_process(4194304, log) == "Finished server process [4194304]");
  CHECK(started_parent_process(7, log) == "Started parent process [7]");
  CHECK(stopping_parent_process(7, log) == "Stopping parent process [7]");
  CHECK(running_on("http://127.0.0.1:8000", log) ==
        "Ringhorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)");
  CHECK(running_on("unix socket /run/app.sock", log) ==
        "Ringhorn running on unix socket /run/app.sock (Press CTRL+C to quit)");
  CHECK(using_epoll("no ring") == "Using epoll: no ring");
  CHECK(cancelled_tasks(2) == "Cancel 2 running task(s), timeout graceful shutdown exceeded");
}

TEST_CASE("banner texts are coloured as uvicorn's", "[telemetry]") {
  const auto nowhere = open_for_writing("/dev/null");
  const Log log(Level::info, Colors::always, nowhere.value(), nowhere.value());
  CHECK(started_server_process(7, log) == "Started server process [\x1b[36m7\x1b[0m]");
  CHECK(finished_server_process(7, log) == "Finished server process [\x1b[36m7\x1b[0m]");
  CHECK(running_on("http://[::1]:80", log) ==
        "Ringhorn running on \x1b[1mhttp://[::1]:80\x1b[0m (Press CTRL+C to quit)");
}
