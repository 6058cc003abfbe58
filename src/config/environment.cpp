#include <unistd.h>

#include <cstdlib>

#include <ringhorn/config/parse.hpp>

namespace ringhorn::config {

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) {
      return std::nullopt;
    }
    return value;
  };
}

std::vector<std::string> process_variable_names() {
  std::vector<std::string> names;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    if (variable.starts_with("RINGHORN_")) {
      names.emplace_back(variable.substr(0, variable.find('=')));
    }
  }
  return names;
}

}  // namespace ringhorn::config
