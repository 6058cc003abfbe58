/// A directory of files that tests of watching change.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/file_watch.hpp"
#include "support/catch.hpp"

namespace ringhorn::supervisor {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

/// A directory of its own for each test, with a package in it.
class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "ringhorn-watch-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
    fs::create_directories(root_ / "app" / "__pycache__");
    fs::create_directories(root_ / ".hidden");
    write("app/main.py");
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() { fs::remove_all(root_); }

  std::string path(const std::string& name) const { return (root_ / name).string(); }
  void write(const std::string& name) const { std::ofstream(root_ / name) << "x = 1\n"; }
  void move(const std::string& from, const std::string& to) const {
    fs::rename(root_ / from, root_ / to);
  }

  FileWatch watch(Names includes = {}, Names excludes = {}) const {
    auto made = FileWatch::make({{root_.string()}, std::move(includes), std::move(excludes)});
    REQUIRE(made);
    return made.take_value();
  }
  /// What take_changes() gives, without the root.
  Names changes(FileWatch& watch) const {
    Names names;
    for (const std::string& each : watch.take_changes()) {
      names.push_back(each == root_ ? "." : each.substr(root_.string().size() + 1));
    }
    return names;
  }

 private:
  fs::path root_;
};

}  // namespace ringhorn::supervisor
