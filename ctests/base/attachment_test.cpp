#include <ringhorn/base/attachment.hpp>

#include "support/catch.hpp"

using ringhorn::base::Attachment;

namespace {
void count(void* released) {
  ++*static_cast<int*>(released);
}
}  // namespace

TEST_CASE("Attachment gives back what it held, once", "[base]") {
  int first = 0;
  int second = 0;
  {
    Attachment attachment;
    REQUIRE(attachment.get() == nullptr);
    attachment.set(&first, count);
    REQUIRE(attachment.get() == &first);
    attachment.set(&second, count);
    REQUIRE(attachment.get() == &second);
    REQUIRE(first == 1);
    REQUIRE(second == 0);
  }
  REQUIRE(first == 1);
  REQUIRE(second == 1);
}

TEST_CASE("Attachment may be set from what it releases", "[base]") {
  struct Chain {
    Attachment attachment;
    int released = 0;
  } chain;
  chain.attachment.set(&chain, [](void* data) {
    auto& self = *static_cast<Chain*>(data);
    ++self.released;
    self.attachment.set(nullptr, nullptr);
  });
  chain.attachment.set(nullptr, nullptr);
  REQUIRE(chain.released == 1);
  REQUIRE(chain.attachment.get() == nullptr);
}
