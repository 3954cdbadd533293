// Padded: a vector that kernels may read in whole registers, as they may any Buffer.
#ifndef OCTAVO_CORE_PLAN_PADDED_H_
#define OCTAVO_CORE_PLAN_PADDED_H_

#include <cstddef>
#include <cstring>
#include <new>
#include <vector>

#include "core/base/memory.h"

namespace octavo {

// Allocates Memory::kSlack bytes more than is asked for, aligned as kernels.h says. All are zero at first: kernels
// compute with what they read beyond the end, and processors take a hundred times as long for what happen to be the
// bits of denormal floats.
template <typename T>
struct SlackAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};
  SlackAllocator() = default;
  template <typename U>
  SlackAllocator(const SlackAllocator<U>&) {}  // NOLINT: implicit as the standard asks

  T* allocate(size_t count) {
    const size_t bytes = count * sizeof(T) + Memory::kSlack;
    return static_cast<T*>(std::memset(::operator new(bytes, kAlignment), 0, bytes));
  }
  void deallocate(T* pointer, size_t) { ::operator delete(pointer, kAlignment); }
  bool operator==(const SlackAllocator&) const { return true; }
};

template <typename T>
using Padded = std::vector<T, SlackAllocator<T>>;

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_PADDED_H_
