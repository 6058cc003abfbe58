/// IntrusiveList is a doubly linked list whose links live in its elements: no allocation, O(1)
/// removal. An element derives from ListNode<Tag> once per list that it can be on at a time, leaves
/// its list when it is destroyed, and is never owned by the list.
#pragma once

#include <ringhorn/base/assert.hpp>

namespace ringhorn::base {

template <typename Tag>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const noexcept { return next_ != nullptr; }
  /// Leaves the list, if on one.
  void unlink() noexcept {
    if (next_ != nullptr) {
      next_->previous_ = previous_;
      previous_->next_ = next_;
      next_ = previous_ = nullptr;
    }
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

template <typename T, typename Tag>
class IntrusiveList {
 public:
  using Node = ListNode<Tag>;

  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) {
      front()->Node::unlink();
    }
  }

  bool empty() const noexcept { return head_.next_ == &head_; }
  /// The first element; null when empty.
  T* front() noexcept { return empty() ? nullptr : static_cast<T*>(head_.next_); }
  const T* front() const noexcept { return empty() ? nullptr : static_cast<const T*>(head_.next_); }
  /// The element behind `element`; null at the end.
  T* after(T& element) noexcept {
    Node* next = static_cast<Node&>(element).next_;
    return next == &head_ ? nullptr : static_cast<T*>(next);
  }
  /// REQUIRES: `element` is on no list of this tag.
  void push_back(T& element) noexcept {
    Node& node = element;
    RINGHORN_ASSERT(!node.linked());
    node.previous_ = head_.previous_;
    node.next_ = &head_;
    head_.previous_->next_ = &node;
    head_.previous_ = &node;
  }
  /// Removes and returns the first element; null when empty.
  T* pop_front() noexcept {
    T* first = front();
    if (first != nullptr) {
      static_cast<Node*>(first)->unlink();
    }
    return first;
  }

 private:
  Node head_;
};

}  // namespace ringhorn::base
