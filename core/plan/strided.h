// Walking and copying strided elements.
#ifndef OCTAVO_CORE_PLAN_STRIDED_H_
#define OCTAVO_CORE_PLAN_STRIDED_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/kernels/kernels.h"
#include "core/plan/plan.h"

namespace octavo {

// A loop nest over several operands at once, outermost first; strides in bytes. Neighbouring dimensions that every
// operand walks as one are merged, dimensions of one element dropped.
template <size_t kOperands>
struct LoopNest {
  int rank = 0;
  std::array<int64_t, Shape::kMaxRank> sizes{};
  std::array<std::array<int64_t, kOperands>, Shape::kMaxRank> strides{};

  void Append(int64_t size, const std::array<int64_t, kOperands>& stride) {
    if (size == 1) return;
    const auto last = static_cast<size_t>(rank - 1);
    bool merges = rank > 0;
    for (size_t o = 0; merges && o < kOperands; ++o) merges = strides[last][o] == stride[o] * size;
    if (merges) {
      sizes[last] *= size;
      strides[last] = stride;
    } else {
      sizes[static_cast<size_t>(rank)] = size;
      strides[static_cast<size_t>(rank++)] = stride;
    }
  }

  // The innermost dimension, taken off the nest: size 1 with strides 0 if there is none.
  int64_t TakeInner(std::array<int64_t, kOperands>* stride) {
    if (rank == 0) {
      stride->fill(0);
      return 1;
    }
    *stride = strides[static_cast<size_t>(--rank)];
    return sizes[static_cast<size_t>(rank)];
  }

  int64_t Iterations() const {
    int64_t product = 1;
    for (int i = 0; i < rank; ++i) product *= sizes[static_cast<size_t>(i)];
    return product;
  }

  // Calls f(offsets) for iterations [begin, end) of what is left of the nest.
  template <typename F>
  void ForEach(int64_t begin, int64_t end, F&& f) const {
    std::array<int64_t, Shape::kMaxRank> index{};
    std::array<int64_t, kOperands> offsets{};
    int64_t rest = begin;
    for (int i = rank; i-- > 0;) {
      const auto d = static_cast<size_t>(i);
      index[d] = rest % sizes[d];
      rest /= sizes[d];
      for (size_t o = 0; o < kOperands; ++o) offsets[o] += index[d] * strides[d][o];
    }
    for (int64_t i = begin; i < end; ++i) {
      f(offsets);
      for (int j = rank; j-- > 0;) {
        const auto d = static_cast<size_t>(j);
        for (size_t o = 0; o < kOperands; ++o) offsets[o] += strides[d][o];
        if (++index[d] < sizes[d]) break;
        for (size_t o = 0; o < kOperands; ++o) offsets[o] -= index[d] * strides[d][o];
        index[d] = 0;
      }
    }
  }
};

// Dimensions of a shape from the outermost to the innermost in memory.
std::array<int, Shape::kMaxRank> DimsByStride(const Shape& shape, const Strides& strides);

// Copies elements of `element` bytes (1, 2, 4, 8) between two layouts of one shape.
class StridedCopy {
 public:
  StridedCopy(const Shape& shape, size_t element, const Strides& from, const Strides& to);

  size_t max_parts() const;
  // `kernels` may be null.
  void Run(const KernelTable* kernels, const std::byte* from, std::byte* to, size_t part, size_t parts) const;

 private:
  LoopNest<2> nest_;  // outer loops
  // Two innermost: `rows` x `columns` with strides {from, to}. Where both strides of columns are one element, rows are
  // memcpy'd; where columns are adjacent in `from` and rows in `to`, it is a transposition.
  int64_t rows_ = 1, columns_ = 1;
  std::array<int64_t, 2> row_strides_{}, column_strides_{};
  size_t element_;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_STRIDED_H_
