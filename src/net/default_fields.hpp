/// DefaultFields is the block of field lines that opens every response: `date`, `server`, then the
/// fields of --header, in uvicorn's order. ServerState owns it and makes the date new in place; the
/// lines that an application names itself are taken out of a response with drop_line().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <ringhorn/base/byte_buffer.hpp>
#include <ringhorn/base/clock.hpp>

namespace ringhorn::net {

struct Settings;

/// Where a line stands: a run of bytes inside the block; empty when the block has no such line.
struct LineRange {
  std::size_t offset = 0;
  std::size_t size = 0;
};

class DefaultFields {
 public:
  /// --header may name `date` or `server` itself: then ours is left out.
  explicit DefaultFields(const Settings& settings);

  /// The block, with a date that is right for `now_ns` (monotonic; the wall clock is read at most
  /// ten times a second). The view is valid until the next call.
  std::string_view view(base::Nanoseconds now_ns) noexcept;

  /// Our own lines inside the block. The date, when there is one, comes first.
  LineRange date_line() const noexcept { return date_; }
  LineRange server_line() const noexcept { return server_; }

 private:
  static constexpr base::Nanoseconds refresh_ns = base::ns_per_s / 10;

  std::string block_;
  LineRange date_;
  LineRange server_;
  base::Nanoseconds next_refresh_ns_ = INT64_MIN;
};

/// Takes `line` out of a response head: the rare case of an application that names the field.
/// `block_offset` says where the block begins in `head`.
void drop_line(base::ByteBuffer& head, std::size_t block_offset, LineRange line) noexcept;

}  // namespace ringhorn::net
