#include "core/ops/walk.h"

#include <cstring>

namespace octavo {
namespace {

template <typename T>
void CopyTyped(const Walk& walk, const void* from, void* to) {
  const T* source = static_cast<const T*>(from);
  T* target = static_cast<T*>(to);
  const int64_t to_stride = walk.stride(0), from_stride = walk.stride(1);
  walk.ForEachRun([&](const int64_t* offsets, int64_t n) {
    T* t = target + offsets[0];
    const T* s = source + offsets[1];
    if (to_stride == 1 && from_stride == 1) {
      std::memcpy(t, s, static_cast<size_t>(n) * sizeof(T));
    } else if (to_stride == 1) {
      for (int64_t i = 0; i < n; ++i) t[i] = s[i * from_stride];
    } else {
      for (int64_t i = 0; i < n; ++i) t[i * to_stride] = s[i * from_stride];
    }
  });
}

template <typename T>
void FillTyped(const void* element, int64_t n, void* to) {
  T value;
  std::memcpy(&value, element, sizeof(T));
  T* t = static_cast<T*>(to);
  for (int64_t i = 0; i < n; ++i) t[i] = value;
}

}  // namespace

void Walk::AddDim(int64_t size, std::initializer_list<int64_t> strides) {
  if (size == 0) empty_ = true;
  if (size <= 1) return;
  Dim dim;
  dim.size = size;
  size_t k = 0;
  for (int64_t stride : strides) dim.strides[k++] = stride;
  if (rank_ > 0) {
    Dim& before = dims_[last()];
    bool continues = true;
    for (k = 0; k < kMaxOperands; ++k) continues &= before.strides[k] == dim.strides[k] * size;
    if (continues) {
      before.size *= size;
      before.strides = dim.strides;
      return;
    }
  }
  dims_[static_cast<size_t>(rank_++)] = dim;
}

Walk Walk::Broadcast(const Shape& output, std::initializer_list<const Shape*> inputs) {
  Walk walk;
  std::array<std::array<int64_t, Shape::kMaxRank>, kMaxOperands> strides{};
  strides[0] = DenseStrides(output);
  size_t k = 1;
  for (const Shape* input : inputs) {
    const auto dense = DenseStrides(*input);
    for (int i = 0; i < input->rank(); ++i) {
      const size_t axis = static_cast<size_t>(output.rank() - input->rank() + i);
      strides[k][axis] = (*input)[i] == 1 ? 0 : dense[static_cast<size_t>(i)];
    }
    ++k;
  }
  for (int i = 0; i < output.rank(); ++i) {
    const size_t axis = static_cast<size_t>(i);
    walk.AddDim(output[i], {strides[0][axis], strides[1][axis], strides[2][axis], strides[3][axis]});
  }
  return walk;
}

std::array<int64_t, Shape::kMaxRank> DenseStrides(const Shape& shape) {
  std::array<int64_t, Shape::kMaxRank> strides{};
  int64_t product = 1;
  bool empty = false;
  for (int64_t dim : shape.dims()) empty |= dim == 0;
  if (empty) return strides;  // nothing will be visited, and the other dimensions' product might overflow
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[static_cast<size_t>(i)] = product;
    product *= shape[i];
  }
  return strides;
}

void CopyElements(const Walk& walk, size_t element_bytes, const void* from, void* to) {
  switch (element_bytes) {
    case 1:
      return CopyTyped<uint8_t>(walk, from, to);
    case 2:
      return CopyTyped<uint16_t>(walk, from, to);
    case 4:
      return CopyTyped<uint32_t>(walk, from, to);
    default:
      return CopyTyped<uint64_t>(walk, from, to);
  }
}

void FillElements(size_t element_bytes, const void* element, int64_t n, void* to) {
  switch (element_bytes) {
    case 1:
      return FillTyped<uint8_t>(element, n, to);
    case 2:
      return FillTyped<uint16_t>(element, n, to);
    case 4:
      return FillTyped<uint32_t>(element, n, to);
    default:
      return FillTyped<uint64_t>(element, n, to);
  }
}

}  // namespace octavo
