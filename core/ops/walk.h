// Visits the elements of several tensors at once, each by its own strides: broadcasting, slicing, transposing and
// tiling are all choices of strides.
#ifndef OCTAVO_CORE_OPS_WALK_H_
#define OCTAVO_CORE_OPS_WALK_H_

#include <array>
#include <cstdint>
#include <initializer_list>

#include "core/graph/tensor.h"

namespace octavo {

class Walk {
 public:
  static constexpr int kMaxDims = 2 * Shape::kMaxRank;
  static constexpr int kMaxOperands = 4;

  // Dimensions come outermost first, with one stride per operand, in elements; strides may be 0 or negative. A
  // dimension that continues the one before it is merged with it, so that runs are as long as they can be.
  void AddDim(int64_t size, std::initializer_list<int64_t> strides);
  // For element-wise operators: operand 0 is the output, dense, operand 1 + i has shape inputs[i], broadcast.
  static Walk Broadcast(const Shape& output, std::initializer_list<const Shape*> inputs);

  // Of the innermost dimension: how operand k advances within a run.
  int64_t stride(int k) const { return rank_ ? dims_[last()].strides[static_cast<size_t>(k)] : 0; }
  // Starts operand k that many elements after its base.
  void Offset(int k, int64_t elements) { start_[static_cast<size_t>(k)] += elements; }

  // f(offsets, n): a run of n elements that begins at offsets[k] of operand k.
  template <typename F>
  void ForEachRun(F&& f) const {
    if (empty_) return;
    std::array<int64_t, kMaxOperands> offsets = start_;
    if (rank_ == 0) return f(offsets.data(), int64_t{1});
    std::array<int64_t, kMaxDims> index{};
    for (;;) {
      f(const_cast<const int64_t*>(offsets.data()), dims_[last()].size);
      size_t d = last();
      for (;;) {  // the next index of the outer dimensions, as an odometer
        if (d == 0) return;
        --d;
        const Dim& dim = dims_[d];
        for (size_t k = 0; k < kMaxOperands; ++k) offsets[k] += dim.strides[k];
        if (++index[d] < dim.size) break;
        for (size_t k = 0; k < kMaxOperands; ++k) offsets[k] -= dim.strides[k] * dim.size;
        index[d] = 0;
      }
    }
  }

 private:
  struct Dim {
    int64_t size = 1;
    std::array<int64_t, kMaxOperands> strides{};
  };
  size_t last() const { return static_cast<size_t>(rank_ - 1); }

  std::array<Dim, kMaxDims> dims_{};
  std::array<int64_t, kMaxOperands> start_{};
  int rank_ = 0;
  bool empty_ = false;
};

// Elements to step from one index of a dense tensor's axis to the next.
std::array<int64_t, Shape::kMaxRank> DenseStrides(const Shape& shape);

// Copies elements of 1, 2, 4 or 8 bytes: operand 0 of the walk is `to`, operand 1 `from`.
void CopyElements(const Walk& walk, size_t element_bytes, const void* from, void* to);
// Writes n copies of one element.
void FillElements(size_t element_bytes, const void* element, int64_t n, void* to);

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_WALK_H_
