#include "virtual_env.hpp"

#include <ringhorn/py/python.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

namespace ringhorn::py {

namespace {

namespace fs = std::filesystem;

const std::string python_version =
    std::to_string(PY_MAJOR_VERSION) + "." + std::to_string(PY_MINOR_VERSION);

/// The value behind `key = ` in a pyvenv.cfg; empty if there is none.
std::string read_key(const fs::path& config, std::string_view key) {
  std::ifstream file(config);
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) {
      continue;
    }
    std::string name = line.substr(0, equals);
    name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
    if (name == key) {
      const std::size_t begin = line.find_first_not_of(" \t", equals + 1);
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  }
  return {};
}

/// venv writes `version`, virtualenv and uv write `version_info`.
std::string venv_version(const fs::path& config) {
  const std::string version = read_key(config, "version");
  return version.empty() ? read_key(config, "version_info") : version;
}

bool same_version(const std::string& version) {
  return version.empty() || version == python_version ||
         version.compare(0, python_version.size() + 1, python_version + ".") == 0;
}

/// The directory of the virtual environment that `executable` lies in: pyvenv.cfg beside it or one
/// level above, as CPython looks for it.
std::optional<fs::path> venv_around(const fs::path& executable) {
  const fs::path directory = executable.parent_path();
  std::error_code ignored;
  for (const fs::path& candidate : {directory, directory.parent_path()}) {
    if (fs::exists(candidate / "pyvenv.cfg", ignored)) {
      return candidate;
    }
  }
  return std::nullopt;
}

/// The environment's own python: only its place matters to CPython, which finds pyvenv.cfg by it.
std::string python_of(const fs::path& venv) {
  std::error_code ignored;
  for (const std::string& name : {std::string("python3"), "python" + python_version}) {
    if (fs::exists(venv / "bin" / name, ignored)) {
      return (venv / "bin" / name).string();
    }
  }
  return (venv / "bin" / "python").string();
}

}  // namespace

base::Result<std::string, std::string> find_python(const std::string& executable,
                                                   const std::string& virtual_env) {
  std::optional<fs::path> venv = venv_around(executable);
  std::error_code ignored;
  if (!venv && !virtual_env.empty() && fs::exists(fs::path(virtual_env) / "pyvenv.cfg", ignored)) {
    venv = virtual_env;
  }
  if (!venv) {
    return fs::exists(RINGHORN_BASE_PYTHON, ignored) ? std::string(RINGHORN_BASE_PYTHON)
                                                     : std::string();
  }
  const std::string version = venv_version(*venv / "pyvenv.cfg");
  if (!same_version(version)) {
    return base::Failure{"the virtual environment " + venv->string() + " is for Python " + version +
                         ", but this ringhorn embeds CPython " + python_version +
                         ": install Ringhorn into it with pip, or deactivate it"};
  }
  return python_of(*venv);
}

}  // namespace ringhorn::py
