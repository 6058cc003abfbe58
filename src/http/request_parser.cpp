#include <ringhorn/http/request_parser.hpp>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <ringhorn/base/assert.hpp>

#include "head_rules.hpp"
#include "scan.hpp"
#include "target.hpp"

namespace ringhorn::http {

namespace {

// RFC 9112 §2.2 asks for "at least one" empty line to be skipped; old clients end a POST with one.
constexpr std::uint8_t empty_lines_max = 4;
constexpr std::size_t method_bytes_max = 32;
constexpr std::size_t version_bytes = 8;  // HTTP/1.1
constexpr std::size_t fields_reserved = 16;

std::size_t distance(const char* from, const char* to) {
  return static_cast<std::size_t>(to - from);
}

// `HTTP/` DIGIT `.` DIGIT, which is well formed whether we speak it or not.
bool is_version(const char* text) {
  return std::memcmp(text, "HTTP/", 5) == 0 && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

}  // namespace

RequestParser::Step RequestParser::next(std::span<char> unread) {
  char* begin = unread.data();
  char* const end = begin + unread.size();
  switch (state_) {
    case State::start:
      while (end - begin >= 2 && begin[0] == '\r' && begin[1] == '\n' &&
             empty_lines_ < empty_lines_max) {
        ++empty_lines_;
        begin += 2;
      }
      if (begin == end || (end - begin == 1 && *begin == '\r')) {
        return {Event::need_more, distance(unread.data(), begin)};
      }
      start_head();
      return read_head(begin, end, distance(unread.data(), begin));
    case State::method:
    case State::target:
    case State::version:
    case State::fields:
      move_views(begin);
      return read_head(begin, end, 0);
    case State::body:
      return head_.framing == Framing::chunked ? read_chunks(unread) : read_body(unread);
    case State::end:
      state_ = State::start;
      empty_lines_ = 0;
      return {Event::end, 0};
    case State::failed:
      break;
  }
  return {Event::error, 0};
}

inline void RequestParser::start_head() noexcept {
  head_.method = head_.target = head_.path = head_.query = {};
  static_cast<HeaderSection&>(head_) = {};
  fields_.clear();
  state_ = State::method;
  marks_ = 0;
  scanned_ = line_ = colon_ = 0;
}

RequestParser::Step RequestParser::read_head(char* begin, char* end, std::size_t skipped) {
  Progress progress = read_request_line(begin, end);
  if (progress == Progress::done) {
    progress = read_section(begin, end);
  }
  switch (progress) {
    case Progress::stalled:
      origin_ = reinterpret_cast<std::uintptr_t>(begin);
      return {Event::need_more, skipped};
    case Progress::failed:
      return {Event::error, 0};
    case Progress::done:
      break;
  }
  body_left_ = head_.content_length;
  const bool bodyless = head_.framing == Framing::none ||
                        (head_.framing == Framing::content_length && body_left_ == 0);
  state_ = bodyless ? State::end : State::body;
  return {Event::head, skipped + scanned_};
}

inline RequestParser::Progress RequestParser::read_request_line(char* begin, char* end) {
  if (state_ == State::method) {
    if (const Progress progress = read_method(begin, end); progress != Progress::done) {
      return progress;
    }
  }
  if (state_ == State::target) {
    if (const Progress progress = read_target(begin, end); progress != Progress::done) {
      return progress;
    }
  }
  return state_ == State::version ? read_version(begin, end) : Progress::done;
}

inline RequestParser::Progress RequestParser::read_method(char* begin, char* end) {
  if (end - begin >= 4 && std::memcmp(begin, "GET ", 4) == 0) {
    head_.method = {begin, 3};
    scanned_ = 4;
    state_ = State::target;
    return Progress::done;
  }
  char* const bound = begin + std::min(distance(begin, end), method_bytes_max + 1);
  char* const stop = skip_class(begin + scanned_, bound, token_char);
  scanned_ = distance(begin, stop);
  if (scanned_ > method_bytes_max) {
    return fail(bad("the method is too long"));
  }
  if (stop == end) {
    return Progress::stalled;
  }
  if (*stop != ' ' || scanned_ == 0) {
    return fail(bad("the method is no token, or not followed by one space"));
  }
  head_.method = {begin, scanned_};
  ++scanned_;
  state_ = State::target;
  return Progress::done;
}

inline RequestParser::Progress RequestParser::read_target(char* begin, char* end) {
  // Behind the target come a space and the version: its own bound is that much shorter.
  const std::size_t line_max = limits_->request_line_bytes_max;
  const std::size_t allowed = line_max - std::min(line_max, version_bytes + 1);
  char* const bound = begin + std::min(distance(begin, end), allowed + 1);
  if (begin + scanned_ < bound) {
    scanned_ = distance(begin, skip_target(begin + scanned_, bound));
  }
  if (scanned_ > allowed) {
    return fail({414, "the request line is too long"});
  }
  if (begin + scanned_ == end) {
    return Progress::stalled;
  }
  const std::size_t target_begin = head_.method.size() + 1;
  if (begin[scanned_] != ' ' || scanned_ == target_begin) {
    return fail(bad("the target is empty, has a bad character or no space behind it"));
  }
  head_.target = {begin + target_begin, scanned_ - target_begin};
  ++scanned_;
  state_ = State::version;
  return Progress::done;
}

inline RequestParser::Progress RequestParser::read_version(char* begin, char* end) {
  const char* const text = begin + scanned_;
  if (end - text >= 10 && std::memcmp(text, "HTTP/1.1", 8) == 0 &&
      std::memcmp(text + 8, "\r\n", 2) == 0) {
    head_.version = Version::http_1_1;
    return end_request_line();
  }
  return read_other_version(text, end);
}

RequestParser::Progress RequestParser::read_other_version(const char* text, const char* end) {
  constexpr const char* malformed = "the version is missing or malformed, or has no CRLF behind it";
  const std::size_t available = std::min(distance(text, end), version_bytes + 2);
  if (available < version_bytes + 2) {
    // A line that ends too early is known to be wrong; anything else is judged as a whole.
    return std::memchr(text, '\n', available) == nullptr ? Progress::stalled : fail(bad(malformed));
  }
  if (text[version_bytes] != '\r' || text[version_bytes + 1] != '\n' || !is_version(text)) {
    return fail(bad(malformed));
  }
  if (text[5] != '1' || text[7] != '0') {
    return fail({505, "this version of HTTP is not spoken here"});
  }
  head_.version = Version::http_1_0;
  return end_request_line();
}

inline RequestParser::Progress RequestParser::end_request_line() {
  if (const char* reason = split_origin(head_) ? nullptr : split_target(head_); reason != nullptr) {
    return fail(bad(reason));
  }
  marks_ = head_.authority.empty() ? HeadMarks{0} : mark_target_host;
  scanned_ += version_bytes + 2;
  line_ = fields_begin_ = scanned_;
  state_ = State::fields;
  return Progress::done;
}

RequestParser::Progress RequestParser::read_section(char* begin, char* end) {
  // One that came torn, or whose meaning depends on the request line, is parsed and no more.
  if (sections_ == nullptr || scanned_ != fields_begin_ || marks_ != 0 ||
      head_.version != Version::http_1_1) {
    return read_fields(begin, end);
  }
  const std::string_view bytes(begin + scanned_, distance(begin + scanned_, end));
  if (recall(bytes)) {
    return Progress::done;
  }
  const bool wanted = sections_->wants(*sender_, bytes);
  const Progress progress = read_fields(begin, end);
  if (wanted && progress == Progress::done) {
    sections_->keep(*sender_, begin + fields_begin_, scanned_ - fields_begin_, head_);
  }
  return progress;
}

bool RequestParser::recall(std::string_view bytes) {
  const SectionCache::Section* const known = sections_->recall(*sender_, bytes);
  if (known == nullptr) {
    return false;
  }
  static_cast<HeaderSection&>(head_) = known->meaning;
  scanned_ += known->sent.size();
  start_body();
  return true;
}

// One turn of the loop is one field line. Where it has to stop, stall() notes how far the search
// for the colon or for the end of the value has come. All that the loop needs is held in locals:
// names are lower-cased through a char pointer, which might alias every member.
RequestParser::Progress RequestParser::read_fields(char* begin, char* end) {
  if (fields_.capacity() == 0) {
    fields_.reserve(fields_reserved);
  }
  const std::size_t line_max = limits_->field_bytes_max;
  char* const first = begin + fields_begin_;
  char* const head_bound =
      first + std::min<std::size_t>(distance(first, end), limits_->head_bytes_max + std::size_t{1});
  char* line = begin + line_;
  char* colon = colon_ != 0 ? begin + colon_ : nullptr;
  char* from = begin + scanned_;
  for (;;) {
    if (line == end) {
      return stall(begin, line, colon, from);
    }
    if (*line == '\r') {
      return end_fields(begin, line, end);
    }
    if (line >= head_bound || fields_.size() >= limits_->field_count_max) {
      return fail({431, "too many fields"});
    }
    char* const bound = distance(line, head_bound) > line_max ? line + line_max + 1 : head_bound;
    if (colon == nullptr) {
      from = lower_name(from, bound);
      if (from != bound) {
        if (*from != ':' || from == line) {
          return fail(bad("a field name is empty, has a bad character or no colon behind it"));
        }
        colon = from++;
      }
    }
    from = skip_value(from, bound);
    if (from == bound) {
      const bool too_long = distance(line, bound) > line_max || bound != end ||
                            distance(first, bound) > limits_->head_bytes_max;
      return too_long ? fail({431, "a field line is too long, or all are"})
                      : stall(begin, line, colon, from);
    }
    if (*from != '\r') {
      return fail(bad("a field value has a control character or a bare LF"));
    }
    if (end - from < 2) {
      return stall(begin, line, colon, from);
    }
    if (from[1] != '\n') {
      return fail(bad("bare CR in a field"));
    }
    if (add_field(line, colon, from) == Progress::failed) {
      return Progress::failed;
    }
    line = from += 2;
    colon = nullptr;
  }
}

RequestParser::Progress RequestParser::stall(char* begin, char* line, char* colon,
                                             char* from) noexcept {
  RINGHORN_ASSERT(begin <= line && line <= from);
  line_ = distance(begin, line);
  colon_ = colon != nullptr ? distance(begin, colon) : 0;
  scanned_ = distance(begin, from);
  return Progress::stalled;
}

inline RequestParser::Progress RequestParser::add_field(char* line, char* colon, char* value_end) {
  const std::string_view name(line, distance(line, colon));
  const std::string_view value = trim({colon + 1, distance(colon + 1, value_end)});
  fields_.push_back({name, value});
  if (!may_have_rule(name)) {
    return Progress::done;
  }
  const RequestError error = apply_field(head_, marks_, name, value);
  return error.status == 0 ? Progress::done : fail(error);
}

inline RequestParser::Progress RequestParser::end_fields(char* begin, char* line, char* end) {
  if (end - line < 2) {
    return stall(begin, line, nullptr, line);
  }
  if (line[1] != '\n') {
    return fail(bad("bare CR at the end of the head"));
  }
  scanned_ = distance(begin, line) + 2;
  head_.fields = fields_;
  if (settle_usual_head(head_, marks_)) {
    return Progress::done;
  }
  if (const RequestError error = settle_head(head_, marks_, *limits_); error.status != 0) {
    return fail(error);
  }
  start_body();
  return Progress::done;
}

/// Trailers count together with the fields of the head.
inline void RequestParser::start_body() noexcept {
  if (head_.framing == Framing::chunked) {
    chunks_.reset(static_cast<std::uint32_t>(head_.fields.size()),
                  static_cast<std::uint32_t>(scanned_ - 2 - fields_begin_));
  }
}

RequestParser::Step RequestParser::read_body(std::span<char> unread) {
  RINGHORN_ASSERT(body_left_ > 0);
  if (unread.empty()) {
    return {Event::need_more, 0};
  }
  const std::size_t size = std::min<std::uint64_t>(unread.size(), body_left_);
  body_ = {unread.data(), size};
  body_left_ -= size;
  if (body_left_ == 0) {
    state_ = State::end;
  }
  return {Event::body, size};
}

RequestParser::Step RequestParser::read_chunks(std::span<char> unread) {
  const ChunkedDecoder::Step step = chunks_.next(unread, *limits_);
  switch (step.event) {
    case ChunkedDecoder::Event::need_more:
      return {Event::need_more, step.consumed};
    case ChunkedDecoder::Event::data:
      body_ = chunks_.data();
      return {Event::body, step.consumed};
    case ChunkedDecoder::Event::end:
      state_ = State::start;
      empty_lines_ = 0;
      return {Event::end, step.consumed};
    case ChunkedDecoder::Event::error:
      break;
  }
  fail(chunks_.error());
  return {Event::error, 0};
}

// The caller may have moved the unread bytes; everything found so far moves along.
void RequestParser::move_views(char* begin) noexcept {
  const auto now = reinterpret_cast<std::uintptr_t>(begin);
  if (now == origin_) {
    return;
  }
  const auto move = [this, begin](std::string_view& view) {
    if (view.data() != nullptr) {
      view = {begin + (reinterpret_cast<std::uintptr_t>(view.data()) - origin_), view.size()};
    }
  };
  for (std::string_view* view : {&head_.method, &head_.target, &head_.path, &head_.query,
                                 &head_.authority, &head_.upgrade}) {
    move(*view);
  }
  for (HeaderField& field : fields_) {
    move(field.name);
    move(field.value);
  }
  origin_ = now;
}

RequestParser::Progress RequestParser::fail(RequestError error) noexcept {
  RINGHORN_ASSERT(error.status >= 400);
  state_ = State::failed;
  error_ = error;
  return Progress::failed;
}

}  // namespace ringhorn::http
