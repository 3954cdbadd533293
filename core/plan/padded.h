// Padded: a vector that kernels may read in whole registers, as they may any Buffer.
#ifndef OCTAVO_CORE_PLAN_PADDED_H_
#define OCTAVO_CORE_PLAN_PADDED_H_

#include <cstddef>
#include <new>
#include <vector>

#include "core/base/memory.h"

namespace octavo {

// Allocates Memory::kSlack bytes more than is asked for.
template <typename T>
struct SlackAllocator {
  using value_type = T;
  SlackAllocator() = default;
  template <typename U>
  SlackAllocator(const SlackAllocator<U>&) {}  // NOLINT: implicit as the standard asks

  T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T) + Memory::kSlack)); }
  void deallocate(T* pointer, size_t) { ::operator delete(pointer); }
  bool operator==(const SlackAllocator&) const { return true; }
};

template <typename T>
using Padded = std::vector<T, SlackAllocator<T>>;

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_PADDED_H_
