// Packed weights, shared by all plans of a program: packed once, whatever the shapes of the inputs.
#ifndef OCTAVO_CORE_PLAN_WEIGHT_CACHE_H_
#define OCTAVO_CORE_PLAN_WEIGHT_CACHE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "core/base/memory.h"
#include "core/base/region.h"
#include "core/graph/tensor.h"
#include "core/kernels/kernels.h"
#include "core/ops/window.h"

namespace octavo {

struct PackedWeights {
  std::span<std::byte> bytes;            // group after group
  std::shared_ptr<const Region> region;  // in which they lie
  size_t group_bytes = 0;
  std::vector<size_t> phases;  // of a transposed convolution: where in a group each begins
  std::vector<int32_t> sums;   // by output channel, phase after phase: of integer weights
  Tensor source;               // keeps the address that the cache knows it by
};

// Not thread-safe: its program guards it.
class WeightCache {
 public:
  using Pointer = std::shared_ptr<const PackedWeights>;

  // `expected`: bytes of all weights, about.
  WeightCache(const MemoryPtr& memory, uint64_t expected)
      : memory_(memory), region_(std::make_shared<Region>(memory, expected)) {}

  // Convolution weights [outputs, channels / groups, kh, kw] (kh, kw 1 for a matrix [outputs, channels]), int8 or
  // float. `joined` neighbouring groups make one, a divisor of `groups` that follows from the shape. `merged`: a
  // segment is a line of kw * channels elements, else a single tap.
  Result<Pointer> Conv(const KernelTable& kernels, const Tensor& weights, int64_t groups, int64_t joined, int64_t kh,
                       int64_t kw, bool merged);
  // The same for the kernel that takes groups side by side; no bytes where it does not take such groups.
  Result<Pointer> Grouped(const KernelTable& kernels, const Tensor& weights, int64_t groups, int64_t taps);
  // Of a transposed convolution, [channels, outputs / groups, kh, kw]: for each phase, those of y outermost, the
  // weights of an ordinary one.
  Result<Pointer> Transposed(const KernelTable& kernels, const Tensor& weights, int64_t groups, int64_t joined,
                             const Window3& window);
  // Depthwise weights [channels, 1, kh, kw].
  Result<Pointer> Depthwise(const KernelTable& kernels, const Tensor& weights, const Window& window);
  // A matrix [k, n], or [n, k] if transposed.
  Result<Pointer> Matrix(const KernelTable& kernels, const Tensor& weights, bool transposed);

 private:
  using Key = std::tuple<const void*, int, int64_t, int64_t, int64_t>;  // address, kind, and what else decides
  std::shared_ptr<PackedWeights> New() const;

  std::map<Key, Pointer> entries_;
  MemoryPtr memory_;
  std::shared_ptr<Region> region_;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_WEIGHT_CACHE_H_
