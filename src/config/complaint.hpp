/// Complaints say what is wrong with a name that the user gave, and what was meant: the part of a
/// refusal that is about options and variables, not about their values. Called by parse().
#pragma once

#include <string>
#include <string_view>

namespace ringhorn::config {

/// What is wrong, without the program's name; empty when nothing is.
using Complaint = std::string;

inline constexpr std::string_view variable_prefix = "RINGHORN_";

/// For an argument that begins with a dash and is in no row of the option table; never empty.
Complaint complaint_about_option(std::string_view argument);
/// For a variable that exists. Empty for those of the option table and for strangers.
/// REQUIRES: `variable` begins with variable_prefix.
Complaint complaint_about_variable(const std::string& variable);

/// `--port` and `-p` without their dashes.
std::string_view without_dashes(std::string_view option);

}  // namespace ringhorn::config
