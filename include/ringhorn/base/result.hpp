/// Result<T, E> is a value or the reason why there is none. Errors are values here; nothing throws.
#pragma once

#include <utility>
#include <variant>

#include <ringhorn/base/assert.hpp>

namespace ringhorn::base {

/// Wraps the error of a Result, so that `return Failure{reason};` reads well.
template <typename E>
struct Failure {
  E reason;
};
template <typename E>
Failure(E) -> Failure<E>;

template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  template <typename F>
  Result(Failure<F> failure) : state_(std::in_place_index<1>, std::move(failure.reason)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  /// REQUIRES: ok()
  T& value() {
    RINGHORN_ASSERT(ok());
    return std::get<0>(state_);
  }
  const T& value() const {
    RINGHORN_ASSERT(ok());
    return std::get<0>(state_);
  }
  /// REQUIRES: ok()
  T take_value() { return std::move(value()); }
  /// REQUIRES: !ok()
  const E& error() const {
    RINGHORN_ASSERT(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, E> state_;
};

}  // namespace ringhorn::base
