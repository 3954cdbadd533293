// Shape and Tensor: values with their bytes.
#ifndef OCTAVO_CORE_GRAPH_TENSOR_H_
#define OCTAVO_CORE_GRAPH_TENSOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include "core/base/memory.h"
#include "core/base/status.h"
#include "core/graph/dtype.h"

namespace octavo {

// Up to kMaxRank dimensions, stored in place. A dimension of kUnknown is not known yet (symbolic in the file);
// tensors with bytes have none.
class Shape {
 public:
  static constexpr int kMaxRank = 8;
  static constexpr int64_t kUnknown = -1;

  Shape() = default;  // rank 0: a scalar
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims) : rank_(static_cast<int>(dims.size())) {
    for (int i = 0; i < rank_; ++i) dims_[static_cast<size_t>(i)] = dims[static_cast<size_t>(i)];
  }  // requires dims.size() <= kMaxRank: FromSpan checks
  static Result<Shape> FromSpan(std::span<const int64_t> dims);
  static Shape OfRank(int rank, int64_t fill);  // requires 0 <= rank <= kMaxRank

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return dims_[static_cast<size_t>(i)]; }
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_)}; }
  void Append(int64_t dim) { dims_[static_cast<size_t>(rank_++)] = dim; }  // requires rank() < kMaxRank

  bool IsKnown() const;  // no kUnknown
  // Product of [begin, end). Requires IsKnown() and a shape that passed CheckedElements, so it cannot overflow.
  int64_t Elements(int begin, int end) const;
  int64_t Elements() const { return Elements(0, rank_); }

  bool operator==(const Shape& other) const;
  std::string ToString() const;  // "[1, 3, ?, 224]"

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

// The number of elements, or kLimit / kInvalidModel if a dimension is negative or the product or its bytes overflow.
Result<int64_t> CheckedElements(const Shape& shape, DType dtype);
// Bytes of that many elements (4-bit types: two a byte, rounded up). Requires CheckedElements to have passed.
size_t BytesFor(int64_t elements, DType dtype);

// "axis" of ONNX: [-rank, rank) to [0, rank), anything else an error that names both.
Result<int> NormalizeAxis(int64_t axis, int rank);

// A dense row-major tensor. Copies share the bytes, which live as long as any copy: an arena, a file mapping, memory of
// the host. Bytes that came from a model or are shared are never written.
class Tensor {
 public:
  Tensor() = default;
  // Uninitialised bytes from `memory`, with its slack behind them.
  static Result<Tensor> Create(const MemoryPtr& memory, DType dtype, const Shape& shape);
  // Borrowed bytes, kept alive by `owner` (may be null: then the caller does). `bytes` must match dtype and shape.
  // `mapped`: the owner is a MappedFile.
  static Result<Tensor> Wrap(DType dtype, const Shape& shape, const void* data, size_t bytes,
                             std::shared_ptr<const void> owner, bool mapped = false);
  // Small constants that passes make.
  template <typename T>
  static Result<Tensor> Of(const MemoryPtr& memory, const Shape& shape, std::span<const T> values);

  bool defined() const { return dtype_ != DType::kUndefined; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t elements() const { return elements_; }
  size_t bytes() const { return BytesFor(elements_, dtype_); }

  const void* raw() const { return data_; }
  void* mutable_raw() { return const_cast<void*>(data_); }  // only for tensors one has just created

  // The elements as T; requires DTypeOf<T>::value == dtype().
  template <typename T>
  std::span<const T> data() const {
    return {static_cast<const T*>(data_), static_cast<size_t>(elements_)};
  }
  template <typename T>
  std::span<T> mutable_data() {
    return {static_cast<T*>(mutable_raw()), static_cast<size_t>(elements_)};
  }

  // For contents that are not needed soon: those in a mapped file give up their memory until somebody looks at them.
  void DropPages() const;

  // The same bytes under another shape with as many elements.
  Tensor Reshaped(const Shape& shape) const;

 private:
  DType dtype_ = DType::kUndefined;
  Shape shape_;
  int64_t elements_ = 0;
  const void* data_ = nullptr;
  std::shared_ptr<const void> owner_;
  bool mapped_ = false;
};

// Integer tensors (int32, int64) as int64, for axes, shapes, sizes; kInvalidModel if another dtype.
Result<std::array<int64_t, 64>> SmallIntegers(const Tensor& tensor, size_t* count);

template <typename T>
Result<Tensor> Tensor::Of(const MemoryPtr& memory, const Shape& shape, std::span<const T> values) {
  OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Create(memory, DTypeOf<T>::value, shape));
  if (tensor.elements_ != static_cast<int64_t>(values.size())) {
    return Error(Code::kInternal, "%zu values for shape %s", values.size(), shape.ToString().c_str());
  }
  std::span<T> to = tensor.mutable_data<T>();
  for (size_t i = 0; i < values.size(); ++i) to[i] = values[i];
  return tensor;
}

}  // namespace octavo

#endif  // OCTAVO_CORE_GRAPH_TENSOR_H_
