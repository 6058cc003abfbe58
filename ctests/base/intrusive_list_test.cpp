#include <ringhorn/base/intrusive_list.hpp>

#include "support/catch.hpp"

namespace {
struct Tag;
struct Item : ringhorn::base::ListNode<Tag> {
  explicit Item(int number) : value(number) {}
  int value;
};
using List = ringhorn::base::IntrusiveList<Item, Tag>;
}  // namespace

TEST_CASE("IntrusiveList keeps order and lets an element leave from the middle", "[base]") {
  List list;
  Item a(1), b(2), c(3);
  list.push_back(a);
  list.push_back(b);
  list.push_back(c);
  b.unlink();
  REQUIRE(list.front() == &a);
  REQUIRE(list.after(a) == &c);
  REQUIRE(list.after(c) == nullptr);
  REQUIRE(list.pop_front() == &a);
  REQUIRE(list.pop_front() == &c);
  REQUIRE(list.pop_front() == nullptr);
}

TEST_CASE("IntrusiveList forgets an element that is destroyed", "[base]") {
  List list;
  {
    Item gone(1);
    list.push_back(gone);
  }
  REQUIRE(list.empty());
}
