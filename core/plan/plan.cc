#include "core/plan/plan.h"

namespace octavo {

Strides DenseStrides(const Shape& shape, DType dtype) {
  Strides strides{};
  int64_t stride = static_cast<int64_t>(BitsOf(dtype) / 8);
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[static_cast<size_t>(i)] = stride;
    stride *= shape[i];
  }
  return strides;
}

bool IsDense(const Shape& shape, DType dtype, const Strides& strides) {
  int64_t stride = static_cast<int64_t>(BitsOf(dtype) / 8);
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] != 1 && strides[static_cast<size_t>(i)] != stride) return false;
    stride *= shape[i];
  }
  return true;
}

}  // namespace octavo
