/// Channel is what the supervisor and one worker, or a template, say to each other: whole messages
/// over a socket pair, never a wait. Either end hears when the other process is gone. Both sides
/// use it, one thread each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <ringhorn/base/result.hpp>
#include <ringhorn/base/unique_fd.hpp>

namespace ringhorn::sock {

/// The first byte of a message.
enum class Word : char {
  // From the worker.
  ready = 'r',    ///< the application has started and connections are accepted
  spent = 's',    ///< wants to be replaced; the text says why
  leaving = 'l',  ///< was told by a signal of its own to stop
  born = 'n',     ///< was forked from a template; the text is its pid
  // To the worker.
  announce = 'a',  ///< the end is near: say so to load balancers and clients, serve on
  retire = 't',    ///< another one serves: accept no more, end gracefully
  finish = 'f',    ///< the server ends: take what waits in the queues, end gracefully
  share = 'x',     ///< another server has the sockets too: they are its when we are gone
  own = 'o',       ///< … and has them no more
  hurry = 'h',     ///< end at once: cancel what runs, then the application's shutdown
  // To a template, which says `ready` when it has imported the application.
  bear = 'b',  ///< fork the worker that the text describes; its channel comes along
};

struct Message {
  Word word;
  std::string text;
  base::UniqueFd descriptor;  ///< what came along, close-on-exec; none most of the time
};

class Channel {
 public:
  static constexpr std::size_t text_bytes_max = 500;

  /// What hear() found.
  enum class State : std::uint8_t { message, silence, end };

  explicit Channel(base::UniqueFd socket) noexcept : socket_(std::move(socket)) {}

  /// Two ends, close-on-exec. On failure a sentence.
  static base::Result<std::pair<Channel, Channel>, std::string> make_pair();

  /// False when the other side is gone, or has not listened for a long time.
  bool say(Word word, std::string_view text = {}) const;
  /// The same, and gives the other side a descriptor of its own for what `fd` is.
  bool pass(Word word, std::string_view text, int fd) const;
  /// The next message, if one has come.
  State hear(Message& message) const;

  int fd() const noexcept { return socket_.value(); }
  /// Closes this end: the other one hears of it.
  void close() noexcept { socket_.reset(); }

 private:
  base::UniqueFd socket_;
};

}  // namespace ringhorn::sock
