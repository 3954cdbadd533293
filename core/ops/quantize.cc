// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
#include <algorithm>
#include <limits>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/families.h"
#include "core/ops/rounding.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

// ------------------------------------------------------------------------------------------------ parameters

// Which scale belongs to which element: one for all, one for each index of an axis, or one for each block of `block`
// elements along the axis.
struct Granularity {
  int64_t inner = 1;   // elements behind one step of the axis
  int64_t length = 1;  // of the axis
  int64_t scales = 1;  // along the axis; 1 with block 0: per tensor
  int64_t block = 0;

  int64_t ScaleOf(int64_t i) const {
    if (block == 0) return scales == 1 ? 0 : i / inner % length;
    return (i / inner / length * scales + i / inner % length / block) * inner + i % inner;
  }
};

bool IsSingle(const Shape& shape) {
  for (int64_t dim : shape.dims()) {
    if (dim != 1) return false;
  }
  return true;
}

// Checks scale and zero point (inputs 1 and 2) against x (input 0): shapes, values, axis, block_size.
Status CheckParameters(const InferContext& context, const char* scale_name, const char* zero_name) {
  OCTAVO_RETURN_IF_ERROR(CheckScaleValues(context, 1, scale_name));
  const int64_t block = context.Int("block_size", 0);
  OCTAVO_RETURN_IF_ERROR(CheckRange("block_size", block, 0, INT64_MAX));
  const Shape *x = context.shape(0), *scale = context.shape(1), *zero = context.shape(2);
  if (scale && zero && !(IsSingle(*scale) && IsSingle(*zero))) {
    bool same = scale->rank() == zero->rank();
    for (int i = 0; same && i < scale->rank(); ++i) {
      same = (*scale)[i] == (*zero)[i] || (*scale)[i] == kUnknown || (*zero)[i] == kUnknown;
    }
    if (!same) {
      return Error(Code::kInvalidModel, "%s has shape %s, %s %s; they must be equal", scale_name,
                   scale->ToString().c_str(), zero_name, zero->ToString().c_str());
    }
  }
  if (!scale || !x) return Ok();
  if (block == 0) {
    if (CheckScalar(context, 1, scale_name).ok()) return Ok();  // per tensor, or not known better
    if (scale->rank() != 1) {
      return Error(Code::kInvalidModel, "%s has shape %s; without block_size it must be a single element or a vector",
                   scale_name, scale->ToString().c_str());
    }
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 1), x->rank()));
    if ((*x)[axis] != kUnknown && (*scale)[0] != kUnknown && (*scale)[0] != (*x)[axis]) {
      return Error(Code::kInvalidModel, "%s has %lld elements; axis %d of shape %s needs %lld", scale_name,
                   LL((*scale)[0]), axis, x->ToString().c_str(), LL((*x)[axis]));
    }
    return Ok();
  }
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 1), x->rank()));
  bool fits = scale->rank() == x->rank();
  for (int i = 0; fits && i < x->rank(); ++i) {
    const int64_t have = (*scale)[i], want = (*x)[i];
    if (have == kUnknown || want == kUnknown) continue;
    fits = i == axis ? have == CeilDiv(want, block) : have == want;
  }
  if (!fits) {
    return Error(Code::kInvalidModel, "%s has shape %s, which does not fit blocks of %lld along axis %d of shape %s",
                 scale_name, scale->ToString().c_str(), LL(block), axis, x->ToString().c_str());
  }
  return Ok();
}

Granularity GranularityOf(const EvalContext& context) {
  const Shape &x = context.input(0).shape(), &scale = context.input(1).shape();
  Granularity g;
  const int64_t block = context.Int("block_size", 0);
  if (block == 0 && IsSingle(scale)) return g;
  const int64_t attribute = context.Int("axis", 1);
  const int axis = static_cast<int>(attribute < 0 ? attribute + x.rank() : attribute);
  g.inner = x.Elements(axis + 1, x.rank());
  g.length = x[axis];
  g.scales = block == 0 ? scale[0] : scale[axis];
  g.block = block;
  return g;
}

// Element i of a tensor of 8 or 16 bits, or of 4: those must be set in ascending order.
void SetInteger(Tensor* tensor, int64_t i, int32_t value) {
  switch (BitsOf(tensor->dtype())) {
    case 4: {
      uint8_t* byte = static_cast<uint8_t*>(tensor->mutable_raw()) + i / 2;
      const int nibble = value & 15;
      *byte = static_cast<uint8_t>(i % 2 ? (*byte & 15) | (nibble << 4) : nibble);
      return;
    }
    case 8:
      static_cast<uint8_t*>(tensor->mutable_raw())[i] = static_cast<uint8_t>(value);
      return;
    default:
      static_cast<uint16_t*>(tensor->mutable_raw())[i] = static_cast<uint16_t>(value);
  }
}

void SetFloat(Tensor* tensor, int64_t i, float value) {
  const size_t k = static_cast<size_t>(i);
  switch (tensor->dtype()) {
    case DType::kFloat16:
      tensor->mutable_data<Half>()[k] = Half(value);
      return;
    case DType::kBFloat16:
      tensor->mutable_data<BFloat16>()[k] = BFloat16(value);
      return;
    default:
      tensor->mutable_data<float>()[k] = value;
  }
}

// ------------------------------------------------------------------------------------------------ QuantizeLinear

constexpr std::initializer_list<DType> kQuantizedTypes = {DType::kUInt8, DType::kInt8,  DType::kUInt16,
                                                          DType::kInt16, DType::kUInt4, DType::kInt4};
constexpr std::initializer_list<DType> kScaleTypes = {DType::kFloat, DType::kFloat16, DType::kBFloat16};

Status InferQuantizeLinear(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "x", {DType::kFloat, DType::kFloat16, DType::kBFloat16, DType::kInt32}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "y_scale", kScaleTypes));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 2, "y_zero_point", kQuantizedTypes));
  OCTAVO_RETURN_IF_ERROR(CheckParameters(context, "y_scale", "y_zero_point"));
  const DType precision = static_cast<DType>(context.Int("precision", 0));
  if (precision != DType::kUndefined &&
      std::find(kScaleTypes.begin(), kScaleTypes.end(), precision) == kScaleTypes.end()) {
    return Error(Code::kUnsupported, "precision is %lld; computed are float32, float16 and bfloat16",
                 LL(context.Int("precision", 0)));
  }
  const int64_t attribute = context.Int("output_dtype", 0);
  DType dtype = context.has_input(2) ? context.dtype(2) : DType::kUInt8;
  if (attribute != 0) {
    const DType wanted = static_cast<DType>(attribute);
    if (attribute < 0 || attribute > INT32_MAX ||
        std::find(kQuantizedTypes.begin(), kQuantizedTypes.end(), wanted) == kQuantizedTypes.end()) {
      return Error(Code::kUnsupported, "output_dtype is %lld; computed are (u)int4, (u)int8 and (u)int16",
                   LL(attribute));
    }
    if (context.dtype(2) != DType::kUndefined && context.dtype(2) != wanted) {
      return Error(Code::kInvalidModel, "output_dtype is %s, y_zero_point %s; they must be equal", Name(wanted),
                   Name(context.dtype(2)));
    }
    dtype = wanted;
  }
  context.SetOutput(0, dtype, context.shape(0) ? std::optional(*context.shape(0)) : std::nullopt);
  return Ok();
}

float RoundTo(DType precision, float value) {
  if (precision == DType::kFloat16) return static_cast<float>(Half(value));
  if (precision == DType::kBFloat16) return static_cast<float>(BFloat16(value));
  return value;
}

// saturate(rne(x / scale) + zero). The quotient is rounded to attribute `precision`, by default the type of the scale;
// int32 is divided in float64. NaN becomes the zero point.
Status EvaluateQuantizeLinear(EvalContext& context) {
  const Granularity g = GranularityOf(context);
  const Tensor &x = context.input(0), &scale = context.input(1);
  Tensor& y = context.output(0);
  const IntegerRange range = RangeOf(y.dtype());
  const DType attribute = static_cast<DType>(context.Int("precision", 0));
  const DType precision = attribute != DType::kUndefined ? attribute : scale.dtype();
  for (int64_t i = 0; i < x.elements(); ++i) {
    const int64_t k = g.ScaleOf(i);
    const int32_t zero = context.has_input(2) ? static_cast<int32_t>(IntegerAt(context.input(2), k)) : 0;
    if (x.dtype() == DType::kInt32) {
      SetInteger(&y, i, QuantizeValue(static_cast<double>(IntegerAt(x, i)) / FloatAt(scale, k), zero, range));
    } else {
      const float dividend = RoundTo(precision, static_cast<float>(FloatAt(x, i)));
      const float quotient = RoundTo(precision, dividend / RoundTo(precision, static_cast<float>(FloatAt(scale, k))));
      SetInteger(&y, i, QuantizeValue(quotient, zero, range));
    }
  }
  return Ok();
}

// ------------------------------------------------------------------------------------------------ DequantizeLinear

Status InferDequantizeLinear(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckType(
      context, 0, "x",
      {DType::kUInt8, DType::kInt8, DType::kUInt16, DType::kInt16, DType::kInt32, DType::kUInt4, DType::kInt4}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "x_scale", kScaleTypes));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "x", 2, "x_zero_point"));
  OCTAVO_RETURN_IF_ERROR(CheckParameters(context, "x_scale", "x_zero_point"));
  DType dtype = context.dtype(1);
  if (const int64_t attribute = context.Int("output_dtype", 0); attribute != 0) {
    dtype = static_cast<DType>(attribute);
    if (attribute < 0 || attribute > INT32_MAX ||
        std::find(kScaleTypes.begin(), kScaleTypes.end(), dtype) == kScaleTypes.end()) {
      return Error(Code::kInvalidModel, "output_dtype is %lld; allowed are float32, float16 and bfloat16",
                   LL(attribute));
    }
  }
  context.SetOutput(0, dtype, context.shape(0) ? std::optional(*context.shape(0)) : std::nullopt);
  return Ok();
}

// float(x - zero) * scale: the difference exact, then both steps rounded to float32, then to the type of the output.
Status EvaluateDequantizeLinear(EvalContext& context) {
  const Granularity g = GranularityOf(context);
  const Tensor &x = context.input(0), &scale = context.input(1);
  for (int64_t i = 0; i < x.elements(); ++i) {
    const int64_t k = g.ScaleOf(i);
    const int64_t zero = context.has_input(2) ? IntegerAt(context.input(2), k) : 0;
    SetFloat(&context.output(0), i, static_cast<float>(IntegerAt(x, i) - zero) * static_cast<float>(FloatAt(scale, k)));
  }
  return Ok();
}

// ------------------------------------------------------------------------------------------------
// DynamicQuantizeLinear

Status InferDynamicQuantizeLinear(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 1));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "x", {DType::kFloat}));
  context.SetOutput(0, DType::kUInt8, context.shape(0) ? std::optional(*context.shape(0)) : std::nullopt);
  context.SetOutput(1, DType::kFloat, Shape());
  context.SetOutput(2, DType::kUInt8, Shape());
  return Ok();
}

// The range is [min(x, 0), max(x, 0)], NaN passed over. Without x all 0.
Status EvaluateDynamicQuantizeLinear(EvalContext& context) {
  const std::span<const float> x = context.input(0).data<float>();
  float min = 0, max = 0;
  for (float value : x) {
    min = value < min ? value : min;
    max = max < value ? value : max;
  }
  const auto [scale, zero] = ChooseDynamicParams(min, max);
  if (context.has_output(0)) {
    uint8_t* y = context.output(0).mutable_data<uint8_t>().data();
    for (size_t i = 0; i < x.size(); ++i)
      y[i] = static_cast<uint8_t>(QuantizeValue(x[i] / scale, zero, IntegerRange{0, 255}));
  }
  if (context.has_output(1)) context.output(1).mutable_data<float>()[0] = scale;
  if (context.has_output(2)) context.output(2).mutable_data<uint8_t>()[0] = static_cast<uint8_t>(zero);
  return Ok();
}

// ------------------------------------------------------------------------------------------------ rows

constexpr AttributeSpec kQuantizeAttributes[] = {
    {"axis", AttributeType::kInt},      {"block_size", AttributeType::kInt}, {"output_dtype", AttributeType::kInt},
    {"precision", AttributeType::kInt}, {"saturate", AttributeType::kInt},
};
constexpr AttributeSpec kDequantizeAttributes[] = {
    {"axis", AttributeType::kInt},
    {"block_size", AttributeType::kInt},
    {"output_dtype", AttributeType::kInt},
};

const Operator kRows[] = {
    {.name = "QuantizeLinear",
     .since = 10,
     .min_inputs = 2,
     .max_inputs = 3,
     .attributes = kQuantizeAttributes,
     .infer = InferQuantizeLinear,
     .evaluate = EvaluateQuantizeLinear,
     .quant = QuantRule::kQuantized,
     .lowering = Lowering::kQuantize,
     .coverage = "To (u)int4, (u)int8 and (u)int16, not to 8-bit floats, float4 or 2-bit integers."},
    {.name = "DequantizeLinear",
     .since = 10,
     .min_inputs = 2,
     .max_inputs = 3,
     .attributes = kDequantizeAttributes,
     .infer = InferDequantizeLinear,
     .evaluate = EvaluateDequantizeLinear,
     .quant = QuantRule::kQuantized,
     .lowering = Lowering::kDequantize,
     .coverage = "From (u)int4, (u)int8, (u)int16 and int32, not from 8-bit floats, float4 or 2-bit integers."},
    {.name = "DynamicQuantizeLinear",
     .since = 11,
     .min_inputs = 1,
     .max_inputs = 1,
     .min_outputs = 3,
     .max_outputs = 3,
     .attributes = {},
     .infer = InferDynamicQuantizeLinear,
     .evaluate = EvaluateDynamicQuantizeLinear,
     .quant = QuantRule::kQuantized,
     .lowering = Lowering::kQuantize},
};

}  // namespace

std::span<const Operator> QuantizeOperators() { return kRows; }

}  // namespace octavo
