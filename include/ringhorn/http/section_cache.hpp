/// SectionCache remembers header sections (RFC 9110 §6.3) that clients send over and over: a client
/// that stays connected repeats its fields to the byte, and what they mean was found out before.
/// One per server, for all its parsers; RequestParser asks it and tells it. Of fixed size.
///
/// A section is remembered when its sender has missed for the second time, the fourth, the eighth:
/// one that sends something else each time, as a proxy does for its many clients, costs nearly
/// nothing. Senders of the same bytes share them. Cookies and credentials stay no longer than the
/// connection that sent them, or until it is known for something else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ringhorn/base/attachment.hpp>
#include <ringhorn/http/head.hpp>

namespace ringhorn::http {

class SectionCache {
 public:
  /// Which section a connection sent last; lives as long as the connection, and is passed to
  /// leave() at its end.
  class Sender {
    friend class SectionCache;
    static constexpr std::uint16_t nowhere = UINT16_MAX;
    std::uint16_t slot_ = nowhere;
    std::uint16_t misses_ = 0;  // in a row; wraps round
  };

  /// A section as it was sent, and what the parser made of it.
  struct Section {
    std::string sent;  ///< the empty line included; never empty
    std::string text;  ///< the same with names in lower case: the views of `meaning` point here
    std::vector<HeaderField> fields;
    HeaderSection meaning;
    base::Attachment attachment;
    bool secret = false;  ///< has cookies or credentials
  };

  /// What `sender` is known for, if `bytes` begin with it, else null. It stays until the next call
  /// of keep() or leave(). Remembers the miss.
  const Section* recall(Sender& sender, std::string_view bytes) noexcept;
  /// To be asked after a miss, before the names in `bytes` are lower-cased: whether keep() is to be
  /// called when the section is parsed.
  bool wants(const Sender& sender, std::string_view bytes);
  /// The section that wants() was asked about has `size` bytes from `parsed` on, and `meaning` has
  /// its views in there. The bytes that wants() saw may have held less of it: then it is not kept.
  void keep(Sender& sender, const char* parsed, std::size_t size, const HeaderSection& meaning);
  /// `sender` is gone, or known for nothing any more: its secrets go with it.
  void leave(Sender& sender) noexcept;

 private:
  static constexpr std::size_t section_count = 256;
  static constexpr std::size_t section_bytes_max = 2048;

  std::array<std::unique_ptr<Section>, section_count> sections_;
  std::string wanted_;  // the bytes that wants() saw
  // The slot of the latest hit: what a sender that is new is tried with.
  std::uint16_t latest_ = 0;
};

}  // namespace ringhorn::http
