/// The file of --env-file: variables for the application, in the form that python-dotenv reads.
/// Called by the doors, once, before Python starts.
///
///     # a comment
///     export NAME=plain text   # behind white space a comment, too
///     NAME='as it is, \' and \\ apart'
///     NAME="with \n escapes, over several lines"
///     NAME=${OTHER}-${MISSING:-default}
///
/// A name without `=` sets nothing.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringhorn/base/result.hpp>
#include <ringhorn/config/parse.hpp>

namespace ringhorn::config {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// The variables in their order, those of `environment` left out: what is set already wins, inside
/// `${…}` too. On failure what is wrong, with its line.
base::Result<Variables, std::string> parse_env_file(std::string_view text,
                                                    const Environment& environment);
/// Of the file at `path`. On failure a sentence that begins with the path.
base::Result<Variables, std::string> read_env_file(const std::string& path,
                                                   const Environment& environment);

/// `first`, and behind it those of `variables` that are not Ringhorn's own: as with uvicorn, a file
/// for the application does not configure the server.
Environment with_variables(Environment first, Variables variables);

}  // namespace ringhorn::config
