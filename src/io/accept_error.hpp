/// What an errno of accept(2) is about. Both drivers ask; nothing is called here.
#pragma once

namespace ringhorn::io {

/// Errors that accept(2) hands on from one connection that broke before it was taken, or of which a
/// second try is as good as the first. The listener itself is sound.
bool concerns_one_connection(int error) noexcept;

}  // namespace ringhorn::io
