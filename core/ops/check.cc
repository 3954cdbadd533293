#include "core/ops/check.h"

#include <cmath>
#include <string>

namespace octavo {

Status CheckPresent(const InferContext& context, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!context.has_input(i)) return Error(Code::kInvalidModel, "input %zu is left out but required", i);
  }
  return Ok();
}

Status CheckType(const InferContext& context, size_t i, const char* name, std::initializer_list<DType> allowed) {
  const DType found = context.dtype(i);
  if (found == DType::kUndefined) return Ok();
  std::string names;
  for (DType dtype : allowed) {
    if (dtype == found) return Ok();
    names += (names.empty() ? "" : ", ") + std::string(Name(dtype));
  }
  return Error(Code::kInvalidModel, "%s is %s; allowed: %s", name, Name(found), names.c_str());
}

Status CheckFloating(const InferContext& context, size_t i, const char* name) {
  return CheckType(context, i, name, {DType::kFloat, DType::kFloat16, DType::kBFloat16, DType::kDouble});
}

Status CheckSameType(const InferContext& context, size_t i, const char* name, size_t j, const char* other) {
  const DType a = context.dtype(i), b = context.dtype(j);
  if (a == DType::kUndefined || b == DType::kUndefined || a == b) return Ok();
  return Error(Code::kInvalidModel, "%s is %s, %s is %s; they must be of the same type", name, Name(a), other, Name(b));
}

Status CheckRank(const InferContext& context, size_t i, const char* name, int rank) {
  const Shape* shape = context.shape(i);
  if (!shape || shape->rank() == rank) return Ok();
  return Error(Code::kInvalidModel, "%s has shape %s; its rank must be %d", name, shape->ToString().c_str(), rank);
}

Status CheckScalar(const InferContext& context, size_t i, const char* name) {
  const Shape* shape = context.shape(i);
  if (!shape) return Ok();
  for (int64_t dim : shape->dims()) {
    if (dim != 1 && dim != Shape::kUnknown) {
      return Error(Code::kInvalidModel, "%s has shape %s; it must be a single element", name,
                   shape->ToString().c_str());
    }
  }
  return Ok();
}

Status CheckScalarOrVector(const InferContext& context, size_t i, const char* name, int64_t length) {
  const Shape* shape = context.shape(i);
  if (!shape || CheckScalar(context, i, name).ok()) return Ok();
  if (shape->rank() == 1 && (length == Shape::kUnknown || (*shape)[0] == length)) return Ok();
  return Error(Code::kInvalidModel, "%s has shape %s; it must be a single element or [%s]", name,
               shape->ToString().c_str(), length == Shape::kUnknown ? "?" : std::to_string(length).c_str());
}

Status CheckVector(const InferContext& context, size_t i, const char* name, int64_t length) {
  OCTAVO_RETURN_IF_ERROR(CheckRank(context, i, name, 1));
  const Shape* shape = context.shape(i);
  if (!shape || length == Shape::kUnknown || (*shape)[0] == Shape::kUnknown || (*shape)[0] == length) return Ok();
  return Error(Code::kInvalidModel, "%s has %lld elements where %lld are needed", name, LL((*shape)[0]), LL(length));
}

Status CheckScaleValues(const InferContext& context, size_t i, const char* name) {
  const Tensor* scale = context.value(i);
  if (!scale || !IsFloating(scale->dtype())) return Ok();
  for (int64_t k = 0; k < scale->elements(); ++k) {
    const double value = FloatAt(*scale, k);
    if (!(value > 0) || std::isinf(value)) {
      return Error(Code::kInvalidModel, "%s[%lld] is %g; scales must be greater than 0 and finite", name, LL(k), value);
    }
  }
  return Ok();
}

Status CheckRange(const char* name, int64_t value, int64_t least, int64_t greatest) {
  if (value >= least && value <= greatest) return Ok();
  return Error(Code::kInvalidModel, "%s is %lld; allowed: %lld to %lld", name, LL(value), LL(least), LL(greatest));
}

Result<int64_t> MergeDims(int64_t a, int64_t b, const char* what, const char* name_a, const char* name_b) {
  if (a == Shape::kUnknown) return b;
  if (b == Shape::kUnknown || a == b) return a;
  return Error(Code::kInvalidModel, "%s is %lld in %s, %lld in %s", what, LL(a), name_a, LL(b), name_b);
}

double FloatAt(const Tensor& tensor, int64_t i) {
  const size_t k = static_cast<size_t>(i);
  switch (tensor.dtype()) {
    case DType::kFloat:
      return tensor.data<float>()[k];
    case DType::kDouble:
      return tensor.data<double>()[k];
    case DType::kFloat16:
      return static_cast<float>(tensor.data<Half>()[k]);
    case DType::kBFloat16:
      return static_cast<float>(tensor.data<BFloat16>()[k]);
    default:
      return 0;
  }
}

int64_t IntegerAt(const Tensor& tensor, int64_t i) {
  const size_t k = static_cast<size_t>(i);
  switch (tensor.dtype()) {
    case DType::kInt8:
      return tensor.data<int8_t>()[k];
    case DType::kUInt8:
      return tensor.data<uint8_t>()[k];
    case DType::kInt16:
      return tensor.data<int16_t>()[k];
    case DType::kUInt16:
      return tensor.data<uint16_t>()[k];
    case DType::kInt32:
      return tensor.data<int32_t>()[k];
    case DType::kInt4:
    case DType::kUInt4: {
      const int byte = static_cast<const uint8_t*>(tensor.raw())[k / 2];
      const int nibble = k % 2 ? byte >> 4 : byte & 15;
      return tensor.dtype() == DType::kInt4 && nibble >= 8 ? nibble - 16 : nibble;
    }
    default:
      return 0;
  }
}

}  // namespace octavo
