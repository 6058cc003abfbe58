/// Endpoint is one place to listen on, as the user writes it: `host:port`, `[v6]:port`,
/// `unix:path`, `unix:@name`, `fd://N`. Made by parse(); whoever binds reads it. No system call, no
/// name is resolved here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringhorn::config {

struct Options;

struct Endpoint {
  enum class Kind : std::uint8_t {
    tcp,
    unix_path,      ///< a file
    unix_abstract,  ///< a name without a file (Linux)
    descriptor,     ///< inherited
  };
  /// What the address of a Unix socket holds, less the byte that ends it.
  static constexpr std::size_t unix_path_bytes_max = 107;

  Kind kind = Kind::tcp;
  std::string host;        ///< of tcp: empty for every interface; no brackets. Else path or name
  std::uint16_t port = 0;  ///< of tcp; 0: any free one
  int descriptor = -1;     ///< of descriptor

  bool operator==(const Endpoint& other) const = default;
};

/// Empty when `text` is none of the forms above. A host without a port gets `port`.
std::optional<Endpoint> read_endpoint(std::string_view text, std::uint16_t port);

/// Whether --bind, --uds or --fd was given.
bool has_endpoints(const Options& options);
/// Everything that `options` ask to listen on, never empty: --bind, --uds and --fd, or else --host
/// and --port.
std::vector<Endpoint> endpoints_of(const Options& options);

}  // namespace ringhorn::config
