/// The texts of --help and --version, made from the option table. Called by parse().
#pragma once

#include <string>
#include <string_view>

namespace ringhorn::config {

/// At most 80 columns; ends in a new line.
std::string help_text();
/// `Running ringhorn 0.1.0 with CPython 3.11.2 on Linux`, ends in a new line.
std::string version_text(std::string_view python_version);

}  // namespace ringhorn::config
