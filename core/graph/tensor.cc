#include "core/graph/tensor.h"

#include <utility>

#include "core/base/checked.h"
#include "core/base/file.h"

namespace octavo {

Result<Shape> Shape::FromSpan(std::span<const int64_t> dims) {
  if (dims.size() > kMaxRank) {
    return Error(Code::kLimit, "rank %zu is more than the %d this library handles", dims.size(), kMaxRank);
  }
  return Shape(dims);
}

Shape Shape::OfRank(int rank, int64_t fill) {
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.Append(fill);
  return shape;
}

bool Shape::IsKnown() const {
  for (int64_t dim : dims()) {
    if (dim == kUnknown) return false;
  }
  return true;
}

int64_t Shape::Elements(int begin, int end) const {
  uint64_t product = 1;  // where another dimension is 0, these may overflow
  for (int i = begin; i < end; ++i) product *= static_cast<uint64_t>((*this)[i]);
  return static_cast<int64_t>(product);
}

bool Shape::operator==(const Shape& other) const {
  if (rank_ != other.rank_) return false;
  for (int i = 0; i < rank_; ++i) {
    if ((*this)[i] != other[i]) return false;
  }
  return true;
}

std::string Shape::ToString() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i) text += ", ";
    text += (*this)[i] == kUnknown ? "?" : std::to_string((*this)[i]);
  }
  return text + "]";
}

Result<int64_t> CheckedElements(const Shape& shape, DType dtype) {
  int64_t product = 1;
  bool empty = false;
  for (int64_t dim : shape.dims()) {
    if (dim < 0) return Error(Code::kInvalidModel, "negative dimension in shape %s", shape.ToString().c_str());
    empty |= dim == 0;
    // Where there are no elements the other dimensions still make strides, and those must not overflow either.
    if (dim != 0 && !CheckedMul(product, dim, &product)) {
      return Error(Code::kLimit, "shape %s has more than 2^63 elements", shape.ToString().c_str());
    }
  }
  int64_t bits;
  if (!CheckedMul(product, int64_t{64}, &bits)) {
    return Error(Code::kLimit, "%s tensor of shape %s is larger than the address space", Name(dtype),
                 shape.ToString().c_str());
  }
  return empty ? int64_t{0} : product;
}

size_t BytesFor(int64_t elements, DType dtype) {
  return static_cast<size_t>(CeilDiv(elements * static_cast<int64_t>(BitsOf(dtype)), int64_t{8}));
}

Result<int> NormalizeAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return Error(Code::kInvalidModel, "axis %lld is outside [%d, %d)", static_cast<long long>(axis), -rank, rank);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Result<Tensor> Tensor::Create(const MemoryPtr& memory, DType dtype, const Shape& shape) {
  if (!IsSupported(dtype)) return Error(Code::kUnsupported, "tensors of type %s", Name(dtype));
  Tensor tensor;
  OCTAVO_ASSIGN_OR_RETURN(tensor.elements_, CheckedElements(shape, dtype));
  tensor.dtype_ = dtype;
  tensor.shape_ = shape;
  OCTAVO_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Create(memory, tensor.bytes()));
  auto owner = std::make_shared<Buffer>(std::move(buffer));
  tensor.data_ = owner->data();
  tensor.owner_ = std::move(owner);
  return tensor;
}

Result<Tensor> Tensor::Wrap(DType dtype, const Shape& shape, const void* data, size_t bytes,
                            std::shared_ptr<const void> owner, bool mapped) {
  if (!IsSupported(dtype)) return Error(Code::kUnsupported, "tensors of type %s", Name(dtype));
  Tensor tensor;
  OCTAVO_ASSIGN_OR_RETURN(tensor.elements_, CheckedElements(shape, dtype));
  tensor.dtype_ = dtype;
  tensor.shape_ = shape;
  if (tensor.bytes() != bytes) {
    return Error(Code::kInvalidModel, "%zu bytes where a %s tensor of shape %s has %zu", bytes, Name(dtype),
                 shape.ToString().c_str(), tensor.bytes());
  }
  tensor.data_ = data;
  tensor.owner_ = std::move(owner);
  tensor.mapped_ = mapped;
  return tensor;
}

void Tensor::DropPages() const {
  if (mapped_) MappedFile::DropPages({static_cast<const std::byte*>(data_), bytes()});
}

Tensor Tensor::Reshaped(const Shape& shape) const {
  Tensor tensor = *this;
  tensor.shape_ = shape;
  return tensor;
}

Result<std::array<int64_t, 64>> SmallIntegers(const Tensor& tensor, size_t* count) {
  std::array<int64_t, 64> values{};
  if (tensor.elements() > static_cast<int64_t>(values.size())) {
    return Error(Code::kLimit, "%lld integers where at most %zu make sense", static_cast<long long>(tensor.elements()),
                 values.size());
  }
  *count = static_cast<size_t>(tensor.elements());
  for (size_t i = 0; i < *count; ++i) {
    if (tensor.dtype() == DType::kInt64) {
      values[i] = tensor.data<int64_t>()[i];
    } else if (tensor.dtype() == DType::kInt32) {
      values[i] = tensor.data<int32_t>()[i];
    } else {
      return Error(Code::kInvalidModel, "expected int32 or int64, found %s", Name(tensor.dtype()));
    }
  }
  return values;
}

}  // namespace octavo
