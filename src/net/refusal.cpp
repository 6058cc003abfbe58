#include "refusal.hpp"

namespace ringhorn::net {

std::string_view refusal_text(int status) noexcept {
  switch (status) {
    case 400:
      return "Invalid HTTP request received.";
    case 408:
      return "The request did not arrive in time.";
    case 413:
      return "The request body is too large.";
    case 414:
      return "The request target is too long.";
    case 417:
      return "The expectation cannot be met.";
    case 426:
      return "The WebSocket version is not supported.";
    case 431:
      return "The request header fields are too large.";
    case 500:
      return "Internal Server Error";
    case 501:
      return "The transfer coding is not supported.";
    case 503:
      return "Service Unavailable";
    case 505:
      return "The HTTP version is not supported.";
    default:
      return "The request was refused.";
  }
}

}  // namespace ringhorn::net
