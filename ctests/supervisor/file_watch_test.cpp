#include "supervisor/file_watch.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "tree.hpp"

namespace ringhorn::supervisor {
namespace {

TEST_CASE("path_matches compares from the right as pathlib does", "[supervisor]") {
  CHECK(path_matches("a/b/c.py", "*.py"));
  CHECK(path_matches("c.py", "*.py"));
  CHECK(path_matches("a/b/c.py", "b/*.py"));
  CHECK_FALSE(path_matches("a/x/c.py", "b/*.py"));
  CHECK_FALSE(path_matches("c.py", "b/*.py"));
  CHECK(path_matches("/a/c.py", "/a/*.py"));
  CHECK_FALSE(path_matches("/x/a/c.py", "/a/*.py"));
  CHECK(path_matches("a/.env", ".*"));
  CHECK(path_matches("x.pyc", "*.py[cod]"));
  CHECK_FALSE(path_matches("x.py", "*.py[cod]"));
}

TEST_CASE("FileWatch names what is written, once and sorted", "[supervisor]") {
  const Tree tree;
  FileWatch watch = tree.watch();
  CHECK(tree.changes(watch).empty());
  tree.write("b.py");
  tree.write("app/main.py");
  tree.write("app/main.py");
  CHECK(tree.changes(watch) == Names{"app/main.py", "b.py"});
  CHECK(tree.changes(watch).empty());
}

TEST_CASE("FileWatch leaves out what does not count", "[supervisor]") {
  const Tree tree;
  FileWatch watch = tree.watch();
  CHECK(watch.watch_count() == 2);
  for (const char* name : {"notes.txt", "app/x.pyc", ".main.py.swp", "app/.x.py", "~x.py", ".env",
                           "app/__pycache__/main.py", ".hidden/x.py"}) {
    tree.write(name);
  }
  CHECK(tree.changes(watch).empty());
}

TEST_CASE("FileWatch takes includes and excludes of the user", "[supervisor]") {
  const Tree tree;
  fs::create_directories(tree.path("tests"));
  FileWatch watch = tree.watch({"*.html", ".env"}, {"*_test.py", tree.path("tests")});
  for (const char* name : {"page.html", "x_test.py", ".env", "y.py", "tests/z.py"}) {
    tree.write(name);
  }
  CHECK(tree.changes(watch) == Names{".env", "page.html", "y.py"});
  FileWatch other = tree.watch({}, {"*.py"});
  tree.write("y.py");
  CHECK(tree.changes(other).empty());
}

TEST_CASE("FileWatch sees an editor's rename and a removal", "[supervisor]") {
  const Tree tree;
  FileWatch watch = tree.watch();
  tree.write("app/main.py~tmp");
  tree.move("app/main.py~tmp", "app/main.py");
  CHECK(tree.changes(watch) == Names{"app/main.py"});
  fs::remove(tree.path("app/main.py"));
  CHECK(tree.changes(watch) == Names{"app/main.py"});
}

TEST_CASE("FileWatch follows new directories and what is in them already", "[supervisor]") {
  const Tree tree;
  FileWatch watch = tree.watch();
  fs::create_directories(tree.path("new/inner"));
  tree.write("new/inner/early.py");
  CHECK(tree.changes(watch) == Names{"new/inner/early.py"});
  tree.write("new/inner/late.py");
  CHECK(tree.changes(watch) == Names{"new/inner/late.py"});
}

TEST_CASE("FileWatch forgets a directory that was moved away", "[supervisor]") {
  const Tree tree;
  const Tree elsewhere;
  FileWatch watch = tree.watch();
  fs::rename(tree.path("app"), elsewhere.path("gone"));
  CHECK(tree.changes(watch) == Names{"app"});
  CHECK(watch.watch_count() == 1);
  elsewhere.write("gone/main.py");
  CHECK(tree.changes(watch).empty());
  fs::rename(elsewhere.path("gone"), tree.path("back"));
  CHECK(tree.changes(watch) == Names{"back/main.py"});
}

TEST_CASE("FileWatch finds a root again that was away", "[supervisor]") {
  const Tree tree;
  auto made = FileWatch::make({{tree.path("app")}, {}, {}});
  REQUIRE(made);
  FileWatch watch = made.take_value();
  fs::remove_all(tree.path("app"));
  CHECK(watch.take_changes() == Names{tree.path("app/main.py")});
  CHECK(watch.incomplete());
  CHECK(watch.watch_count() == 0);
  fs::create_directories(tree.path("app"));
  tree.write("app/main.py");
  CHECK(watch.take_changes() == Names{tree.path("app/main.py")});
  CHECK_FALSE(watch.incomplete());
  tree.write("app/other.py");
  CHECK(watch.take_changes() == Names{tree.path("app/other.py")});
}

TEST_CASE("FileWatch names its root when the queue has run over", "[supervisor]") {
  const Tree tree;
  std::ifstream setting("/proc/sys/fs/inotify/max_queued_events");
  int limit = 0;
  setting >> limit;
  REQUIRE(limit > 0);
  if (limit > 65536) {
    return;  // would take long, and says nothing new
  }
  FileWatch watch = tree.watch();
  for (int i = 0; i <= limit / 2 + 1; ++i) {
    // Two names in turn: equal events behind each other are merged.
    tree.write("a.txt");
    tree.write("b.txt");
  }
  CHECK(tree.changes(watch) == Names{"."});
  tree.write("app/main.py");
  CHECK(tree.changes(watch) == Names{"app/main.py"});
}

TEST_CASE("FileWatch says which directory is missing", "[supervisor]") {
  const auto made = FileWatch::make({{"/nowhere"}, {}, {}});
  REQUIRE_FALSE(made);
  CHECK(made.error() == "/nowhere cannot be watched: No such file or directory");
}

}  // namespace
}  // namespace ringhorn::supervisor
