// Operators on shapes, constants and element types. None of them computes with elements except Cast and Range.
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/elementwise.h"
#include "core/ops/families.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

Status CopyBytes(EvalContext& context) {
  if (context.has_output(0)) {
    std::memcpy(context.output(0).mutable_raw(), context.input(0).raw(), context.output(0).bytes());
  }
  return Ok();
}

// The product of dimensions [begin, end); kUnknown if one of them is and none is 0.
Result<int64_t> ProductOf(const Shape& shape, int begin, int end) {
  int64_t product = 1;
  bool unknown = false;
  for (int i = begin; i < end; ++i) {
    if (shape[i] == 0) return int64_t{0};
    unknown |= shape[i] == kUnknown;
  }
  if (unknown) return kUnknown;
  for (int i = begin; i < end; ++i) {
    if (!CheckedMul(product, shape[i], &product)) {
      return Error(Code::kLimit, "shape %s has more than 2^63 elements", shape.ToString().c_str());
    }
  }
  return product;
}

// ---------------------------------------------------------------------------------------------- Shape, Size

struct ShapeRange {
  int64_t start, end;
};

ShapeRange ShapeRangeOf(const NodeReader& node, int rank) {
  const auto clamp = [&](int64_t i) {
    if (i < 0) i = i < -rank ? 0 : i + rank;
    return i > rank ? rank : i;
  };
  const int64_t start = clamp(node.Int("start", 0)), end = clamp(node.Int("end", rank));
  return {start, end < start ? start : end};
}

Status InferShapeOf(InferContext& context) {
  const Shape* shape = context.shape(0);
  int64_t length = kUnknown;
  if (shape) {
    const ShapeRange range = ShapeRangeOf(context, shape->rank());
    length = range.end - range.start;
  }
  context.SetOutput(0, DType::kInt64, Shape{length});
  return Ok();
}

Status EvaluateShapeOf(EvalContext& context) {
  const Shape& shape = context.input(0).shape();
  const ShapeRange range = ShapeRangeOf(context, shape.rank());
  auto to = context.output(0).mutable_data<int64_t>();
  for (int64_t i = range.start; i < range.end; ++i)
    to[static_cast<size_t>(i - range.start)] = shape[static_cast<int>(i)];
  return Ok();
}

Status InferSize(InferContext& context) {
  context.SetOutput(0, DType::kInt64, Shape{});
  return Ok();
}

Status EvaluateSize(EvalContext& context) {
  context.output(0).mutable_data<int64_t>()[0] = context.input(0).elements();
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Reshape

// The shape that `target` asks for. A 0 copies the input's dimension (unless allowzero), one -1 is what is left.
Result<Shape> ReshapeTo(const Shape& input, const std::vector<int64_t>& target, bool allow_zero) {
  OCTAVO_ASSIGN_OR_RETURN(Shape out, Shape::FromSpan(target));
  const std::string from = input.ToString(), to = out.ToString();
  int inferred = -1;
  // Copied dimensions stand on both sides of the equation of sizes: only the others have to match. That settles a -1
  // although a copied batch is unknown or 0.
  Shape kept = input, asked;
  bool zero = false;
  for (int i = 0; i < out.rank(); ++i) {
    if (out[i] == -1) {
      if (inferred >= 0) return Error(Code::kInvalidModel, "shape %s has more than one -1", to.c_str());
      inferred = i;
    } else if (out[i] < 0) {
      return Error(Code::kInvalidModel, "shape has the dimension %lld; allowed: -1 and above", LL(out[i]));
    } else if (out[i] == 0 && !allow_zero) {
      if (i >= input.rank()) {
        return Error(Code::kInvalidModel, "shape's dimension %d is 0, but the input %s has no such dimension to copy",
                     i, from.c_str());
      }
      out[i] = input[i];
      kept[i] = 1;
    } else {
      zero |= out[i] == 0;
      asked.Append(out[i]);
    }
  }
  if (inferred >= 0 && zero) {
    return Error(Code::kInvalidModel, "shape %s has both -1 and 0, so that -1 may be anything", to.c_str());
  }
  OCTAVO_ASSIGN_OR_RETURN(const int64_t have, ProductOf(kept, 0, kept.rank()));
  OCTAVO_ASSIGN_OR_RETURN(const int64_t want, ProductOf(asked, 0, asked.rank()));
  if (have == kUnknown) {
    if (inferred >= 0) out[inferred] = kUnknown;
    return out;
  }
  if (inferred >= 0) {
    if (have % want == 0) {
      out[inferred] = have / want;
      return out;
    }
  } else if (have == want) {
    return out;
  } else {  // a copied 0 makes both sides 0
    bool empty_in = false, empty_out = false;
    for (int64_t dim : input.dims()) empty_in |= dim == 0;
    for (int64_t dim : out.dims()) empty_out |= dim == 0;
    if (empty_in && empty_out) return out;
  }
  return Error(Code::kInvalidModel, "input of shape %s cannot be reshaped to %s", from.c_str(), to.c_str());
}

Status InferReshape(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  const bool allow_zero = context.Int("allowzero", 0) != 0;
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "shape", {DType::kInt64}));
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "shape", kUnknown));
  OCTAVO_ASSIGN_OR_RETURN(const auto target, context.Integers(1));
  const Shape* input = context.shape(0);
  const Shape* lengths = context.shape(1);
  std::optional<Shape> out;
  if (target && input) {
    OCTAVO_ASSIGN_OR_RETURN(out, ReshapeTo(*input, *target, allow_zero));
  } else if (target) {
    OCTAVO_ASSIGN_OR_RETURN(out, Shape::FromSpan(*target));
    for (int i = 0; i < out->rank(); ++i) {
      if ((*out)[i] < 0 || ((*out)[i] == 0 && !allow_zero)) (*out)[i] = kUnknown;
    }
  } else if (lengths && (*lengths)[0] == 0) {  // known although its contents are not
    out = Shape();
    if (input) OCTAVO_RETURN_IF_ERROR(ReshapeTo(*input, {}, allow_zero).status());
  } else if (lengths && (*lengths)[0] != kUnknown) {
    if ((*lengths)[0] > Shape::kMaxRank) {
      return Error(Code::kLimit, "shape has %lld dimensions; this library handles %d", LL((*lengths)[0]),
                   Shape::kMaxRank);
    }
    out = Shape::OfRank(static_cast<int>((*lengths)[0]), kUnknown);
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Flatten

Status InferFlatten(InferContext& context) {
  const Shape* input = context.shape(0);
  Shape out = {kUnknown, kUnknown};
  if (input) {
    const int rank = input->rank();
    int64_t axis = context.Int("axis", 1);
    if (axis < -rank || axis > rank || (axis < 0 && context.opset() < 11)) {
      return Error(Code::kInvalidModel, "axis %lld is outside [%d, %d]", LL(axis), context.opset() < 11 ? 0 : -rank,
                   rank);
    }
    if (axis < 0) axis += rank;
    OCTAVO_ASSIGN_OR_RETURN(out[0], ProductOf(*input, 0, static_cast<int>(axis)));
    OCTAVO_ASSIGN_OR_RETURN(out[1], ProductOf(*input, static_cast<int>(axis), rank));
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Squeeze, Unsqueeze

// The axes of Squeeze and Unsqueeze: an attribute before operator set 13, then an input. nullopt: not known yet.
Result<std::optional<std::vector<int64_t>>> AxesOf(const InferContext& context) {
  if (context.opset() < 13) {
    if (context.has_input(1)) return Error(Code::kInvalidModel, "axes are an attribute before operator set 13");
    return std::optional(context.Ints("axes"));
  }
  if (context.has_attribute("axes")) {
    return Error(Code::kInvalidModel, "axes are an input since operator set 13, not an attribute");
  }
  if (!context.has_input(1)) return std::optional(std::vector<int64_t>());
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "axes", {DType::kInt64}));
  return context.Integers(1);
}

// One flag per axis of a tensor of that rank.
Result<std::vector<bool>> AxisFlags(const std::vector<int64_t>& axes, int rank) {
  std::vector<bool> flags(static_cast<size_t>(rank));
  for (int64_t axis : axes) {
    OCTAVO_ASSIGN_OR_RETURN(const int normal, NormalizeAxis(axis, rank));
    if (flags[static_cast<size_t>(normal)]) return Error(Code::kInvalidModel, "axis %d stands twice in axes", normal);
    flags[static_cast<size_t>(normal)] = true;
  }
  return flags;
}

Status InferSqueeze(InferContext& context) {
  OCTAVO_ASSIGN_OR_RETURN(const auto axes, AxesOf(context));
  const Shape* input = context.shape(0);
  context.SetOutput(0, context.dtype(0), std::nullopt);
  if (!input || !axes) return Ok();
  Shape out;
  if (axes->empty() && !context.has_input(1)) {
    if (!input->IsKnown()) return Ok();  // an unknown dimension may be 1
    for (int64_t dim : input->dims()) {
      if (dim != 1) out.Append(dim);
    }
  } else {
    OCTAVO_ASSIGN_OR_RETURN(const auto drop, AxisFlags(*axes, input->rank()));
    for (int i = 0; i < input->rank(); ++i) {
      const int64_t dim = (*input)[i];
      if (!drop[static_cast<size_t>(i)]) {
        out.Append(dim);
      } else if (dim != 1 && dim != kUnknown) {
        return Error(Code::kInvalidModel, "axis %d of shape %s is not 1 and cannot be squeezed", i,
                     input->ToString().c_str());
      }
    }
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status InferUnsqueeze(InferContext& context) {
  if (context.opset() >= 13 ? !context.has_input(1) : !context.has_attribute("axes")) {
    return Error(Code::kInvalidModel, "axes are missing");
  }
  OCTAVO_ASSIGN_OR_RETURN(const auto axes, AxesOf(context));
  const Shape* input = context.shape(0);
  context.SetOutput(0, context.dtype(0), std::nullopt);
  if (!input || !axes) return Ok();
  if (axes->size() + static_cast<size_t>(input->rank()) > Shape::kMaxRank) {
    return Error(Code::kLimit, "rank %zu is more than the %d this library handles",
                 axes->size() + static_cast<size_t>(input->rank()), Shape::kMaxRank);
  }
  const int rank = input->rank() + static_cast<int>(axes->size());
  OCTAVO_ASSIGN_OR_RETURN(const auto insert, AxisFlags(*axes, rank));
  Shape out;
  int from = 0;
  for (int i = 0; i < rank; ++i) out.Append(insert[static_cast<size_t>(i)] ? 1 : (*input)[from++]);
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Identity, Dropout

Status InferIdentity(InferContext& context) {
  const Shape* shape = context.shape(0);
  context.SetOutput(0, context.dtype(0), shape ? std::optional(*shape) : std::nullopt);
  return Ok();
}

constexpr const char* kTraining = "Dropout in training mode is random; this library runs trained models";

// Whether the node drops elements at random; nullopt: not known yet.
std::optional<bool> DropsElements(const InferContext& context) {
  if (!context.has_input(2)) return false;
  const Tensor* training = context.value(2);
  if (training && training->elements() == 1 && !*static_cast<const uint8_t*>(training->raw())) return false;
  const Tensor* ratio = context.value(1);
  if (context.has_input(1) && ratio && IsFloating(ratio->dtype()) && ratio->elements() == 1 &&
      FloatAt(*ratio, 0) == 0) {
    return false;
  }
  if (!training || (context.has_input(1) && !ratio)) return std::nullopt;
  return true;
}

Status InferDropout(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "data"));
  OCTAVO_RETURN_IF_ERROR(CheckScalar(context, 1, "ratio"));
  OCTAVO_RETURN_IF_ERROR(CheckScalar(context, 2, "training_mode"));
  if (context.has_input(2)) OCTAVO_RETURN_IF_ERROR(CheckType(context, 2, "training_mode", {DType::kBool}));
  if (DropsElements(context).value_or(false)) return Error(Code::kUnsupported, "%s", kTraining);
  const Shape* shape = context.shape(0);
  const auto out = shape ? std::optional(*shape) : std::nullopt;
  context.SetOutput(0, context.dtype(0), out);
  context.SetOutput(1, context.opset() < 10 ? context.dtype(0) : DType::kBool, out);
  return Ok();
}

Status EvaluateDropout(EvalContext& context) {
  // The shape rule cannot see values that arrive with the inputs.
  const bool training = context.has_input(2) && *static_cast<const uint8_t*>(context.input(2).raw()) != 0;
  const bool drops_none = context.has_input(1) && FloatAt(context.input(1), 0) == 0;
  if (training && !drops_none) return Error(Code::kUnsupported, "%s", kTraining);
  if (context.has_output(1)) {
    Tensor& mask = context.output(1);
    const uint64_t kept = 1;
    uint64_t ones[kChunk];
    FillElements(8, &kept, kChunk, ones);
    for (int64_t first = 0; first < mask.elements(); first += kChunk) {
      const int64_t n = mask.elements() - first < kChunk ? mask.elements() - first : kChunk;
      StoreElements(mask.dtype(), ones, n, mask.mutable_raw(), first);
    }
  }
  return CopyBytes(context);
}

// ---------------------------------------------------------------------------------------------- Cast

Status InferCastTo(InferContext& context, DType to) {
  const Shape* shape = context.shape(0);
  context.SetOutput(0, to, shape ? std::optional(*shape) : std::nullopt);
  return Ok();
}

Status InferCast(InferContext& context) {
  const int64_t to = context.Int("to", 0);
  const DType dtype = to >= 0 && to <= INT32_MAX ? static_cast<DType>(to) : DType::kUndefined;
  if (!IsSupported(dtype)) {
    return Error(to <= 0 || to > 100 ? Code::kInvalidModel : Code::kUnsupported, "Cast to the element type %lld (%s)",
                 LL(to), Name(dtype));
  }
  return InferCastTo(context, dtype);
}

Status InferCastLike(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  return InferCastTo(context, context.dtype(1));
}

// Float to integer truncates and saturates, NaN gives 0; to 4-bit integers it keeps the low bits. Integer to integer
// keeps the low bits. To bool: not 0. To a shorter float: rounded once, to nearest even.
Status EvaluateCast(EvalContext& context) {
  const Tensor& input = context.input(0);
  Tensor& output = context.output(0);
  if (input.dtype() == output.dtype()) return CopyBytes(context);
  return VisitWidened(input.dtype(), [&](auto zero) {
    MapElements<decltype(zero)>(input, output, [](auto x) { return x; });
    return Ok();
  });
}

// ---------------------------------------------------------------------------------------------- BitCast

Status InferBitCast(InferContext& context) {
  const int64_t to = context.Int("to", 0);
  const DType from = context.dtype(0), dtype = to >= 0 && to <= INT32_MAX ? static_cast<DType>(to) : DType::kUndefined;
  if (!IsSupported(dtype)) return Error(Code::kUnsupported, "BitCast to the element type %lld", LL(to));
  if (from != DType::kUndefined && BitsOf(from) != BitsOf(dtype)) {
    return Error(Code::kInvalidModel, "%s and %s differ in size; BitCast needs the same", Name(from), Name(dtype));
  }
  return InferCastTo(context, dtype);
}

// ---------------------------------------------------------------------------------------------- Constant

Status InferConstant(InferContext& context) {
  const auto& attributes = context.node().attributes;
  if (attributes.size() != 1) {
    return Error(Code::kInvalidModel, "%zu attributes hold a value; allowed: exactly one", attributes.size());
  }
  const Attribute& attribute = attributes[0];
  if (const auto* tensor = std::get_if<Tensor>(&attribute.value)) {
    context.SetOutput(0, tensor->dtype(), tensor->shape());
  } else if (std::holds_alternative<float>(attribute.value)) {
    context.SetOutput(0, DType::kFloat, Shape{});
  } else if (std::holds_alternative<int64_t>(attribute.value)) {
    context.SetOutput(0, DType::kInt64, Shape{});
  } else if (const auto* floats = std::get_if<std::vector<float>>(&attribute.value)) {
    context.SetOutput(0, DType::kFloat, Shape{static_cast<int64_t>(floats->size())});
  } else if (const auto* ints = std::get_if<std::vector<int64_t>>(&attribute.value)) {
    context.SetOutput(0, DType::kInt64, Shape{static_cast<int64_t>(ints->size())});
  } else {
    return Error(Code::kUnsupported, "constants of strings");
  }
  return Ok();
}

Status EvaluateConstant(EvalContext& context) {
  const auto& value = context.node().attributes[0].value;
  const void* from = nullptr;
  if (const auto* tensor = std::get_if<Tensor>(&value)) from = tensor->raw();
  if (const auto* number = std::get_if<float>(&value)) from = number;
  if (const auto* number = std::get_if<int64_t>(&value)) from = number;
  if (const auto* floats = std::get_if<std::vector<float>>(&value)) from = floats->data();
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) from = ints->data();
  Tensor& output = context.output(0);
  if (output.bytes()) std::memcpy(output.mutable_raw(), from, output.bytes());
  return Ok();
}

// ---------------------------------------------------------------------------------------------- ConstantOfShape

Status InferConstantOfShape(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "input", {DType::kInt64}));
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 0, "input", kUnknown));
  DType dtype = DType::kFloat;
  if (const Tensor* value = context.TensorAttribute("value")) {
    if (value->elements() != 1 || BitsOf(value->dtype()) < 8) {
      return Error(value->elements() != 1 ? Code::kInvalidModel : Code::kUnsupported,
                   "value is a %s tensor of shape %s; allowed: one whole-byte element", Name(value->dtype()),
                   value->shape().ToString().c_str());
    }
    dtype = value->dtype();
  }
  std::optional<Shape> out;
  OCTAVO_ASSIGN_OR_RETURN(const auto dims, context.Integers(0));
  if (dims) {
    OCTAVO_ASSIGN_OR_RETURN(out, Shape::FromSpan(*dims));
    OCTAVO_ASSIGN_OR_RETURN(const int64_t elements, CheckedElements(*out, dtype));
    static_cast<void>(elements);
  } else if (const Shape* shape = context.shape(0); shape && (*shape)[0] >= 0 && (*shape)[0] <= Shape::kMaxRank) {
    out = Shape::OfRank(static_cast<int>((*shape)[0]), kUnknown);
  }
  context.SetOutput(0, dtype, out);
  return Ok();
}

Status EvaluateConstantOfShape(EvalContext& context) {
  const Tensor* value = context.TensorAttribute("value");
  Tensor& output = context.output(0);
  const uint64_t zero = 0;
  FillElements(BitsOf(output.dtype()) / 8, value ? value->raw() : &zero, output.elements(), output.mutable_raw());
  return Ok();
}

// ---------------------------------------------------------------------------------------------- EyeLike

Status InferEyeLike(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckRank(context, 0, "input", 2));
  const int64_t wanted = context.Int("dtype", static_cast<int64_t>(context.dtype(0)));
  const DType dtype = wanted >= 0 && wanted <= INT32_MAX ? static_cast<DType>(wanted) : DType::kUndefined;
  if (context.has_attribute("dtype") && BitsOf(dtype) < 8) {
    return Error(Code::kUnsupported, "EyeLike of the element type %lld", LL(wanted));
  }
  if (!context.has_attribute("dtype")) OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "input"));
  return InferCastTo(context, dtype);
}

// Ones where column - row == k.
Status EvaluateEyeLike(EvalContext& context) {
  Tensor& output = context.output(0);
  std::memset(output.mutable_raw(), 0, output.bytes());
  const int64_t rows = output.shape()[0], columns = output.shape()[1], k = context.Int("k", 0);
  const double one = 1.0;
  for (int64_t row = 0; row < rows && output.elements() > 0; ++row) {
    int64_t column;
    if (!CheckedAdd(row, k, &column) || column < 0 || column >= columns) continue;
    StoreElements(output.dtype(), &one, 1, output.mutable_raw(), row * columns + column);
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Range

// max(ceil((limit - start) / delta), 0)
Result<int64_t> RangeLength(const Tensor& start, const Tensor& limit, const Tensor& delta) {
  const DType dtype = start.dtype();
  if (IsFloating(dtype)) {
    const double from = FloatAt(start, 0), to = FloatAt(limit, 0), step = FloatAt(delta, 0);
    const double length = std::ceil((to - from) / step);
    if (step == 0 || length != length) {
      return Error(Code::kInvalidModel, "Range from %g to %g in steps of %g has no length", from, to, step);
    }
    if (length > 0x1p53) {
      return Error(Code::kLimit, "Range from %g to %g in steps of %g is too long", from, to, step);
    }
    return length > 0 ? static_cast<int64_t>(length) : 0;
  }
  int64_t from, to, step;
  LoadElements(dtype, start.raw(), 0, 1, 1, &from);
  LoadElements(dtype, limit.raw(), 0, 1, 1, &to);
  LoadElements(dtype, delta.raw(), 0, 1, 1, &step);
  if (step == 0) return Error(Code::kInvalidModel, "delta is 0");
  if (step > 0 ? to <= from : to >= from) return int64_t{0};
  // Differences of int64 fit uint64.
  const uint64_t distance = step > 0 ? static_cast<uint64_t>(to) - static_cast<uint64_t>(from)
                                     : static_cast<uint64_t>(from) - static_cast<uint64_t>(to);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t length = CeilDiv(distance, stride);
  if (length > INT64_MAX) return Error(Code::kLimit, "Range from %lld to %lld is too long", LL(from), LL(to));
  return static_cast<int64_t>(length);
}

Status InferRange(InferContext& context) {
  static constexpr const char* kNames[] = {"start", "limit", "delta"};
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 3));
  bool known = true;
  DType dtype = DType::kUndefined;
  for (size_t i = 0; i < 3; ++i) {
    OCTAVO_RETURN_IF_ERROR(CheckScalar(context, i, kNames[i]));
    OCTAVO_RETURN_IF_ERROR(CheckType(context, i, kNames[i],
                                     {DType::kFloat, DType::kDouble, DType::kInt16, DType::kInt32, DType::kInt64,
                                      DType::kFloat16, DType::kBFloat16}));
    OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, kNames[0], i, kNames[i]));
    known &= context.value(i) != nullptr;
    if (dtype == DType::kUndefined) dtype = context.dtype(i);
  }
  int64_t length = kUnknown;
  if (known) {
    OCTAVO_ASSIGN_OR_RETURN(length, RangeLength(*context.value(0), *context.value(1), *context.value(2)));
  }
  context.SetOutput(0, dtype, Shape{length});
  return Ok();
}

// start + i * delta: for float types in double, rounded once; for integers modulo 2^64, where i * delta may overflow
// though the sum does not.
Status EvaluateRange(EvalContext& context) {
  Tensor& output = context.output(0);
  const auto evaluate = [&](auto zero) {
    using W = decltype(zero);
    W start, delta, values[kChunk];
    LoadElements(output.dtype(), context.input(0).raw(), 0, 1, 1, &start);
    LoadElements(output.dtype(), context.input(2).raw(), 0, 1, 1, &delta);
    for (int64_t first = 0; first < output.elements(); first += kChunk) {
      const int64_t n = output.elements() - first < kChunk ? output.elements() - first : kChunk;
      for (int64_t i = 0; i < n; ++i) values[i] = start + static_cast<W>(first + i) * delta;
      StoreElements(output.dtype(), values, n, output.mutable_raw(), first);
    }
    return Ok();
  };
  return IsFloating(output.dtype()) ? evaluate(double{}) : evaluate(uint64_t{});
}

// ---------------------------------------------------------------------------------------------- Expand

Status InferExpand(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "input"));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "shape", {DType::kInt64}));
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "shape", kUnknown));
  OCTAVO_ASSIGN_OR_RETURN(const auto target, context.Integers(1));
  const Shape* input = context.shape(0);
  std::optional<Shape> out;
  if (target) {
    OCTAVO_ASSIGN_OR_RETURN(const Shape shape, Shape::FromSpan(*target));
    for (int64_t dim : shape.dims()) {
      if (dim < 0) return Error(Code::kInvalidModel, "shape has the dimension %lld; allowed: 0 and above", LL(dim));
    }
    if (input) {
      OCTAVO_ASSIGN_OR_RETURN(out, BroadcastShapes(*input, shape));
    }
  } else if (const Shape* lengths = context.shape(1); input && lengths && (*lengths)[0] >= 0) {
    // Only dimensions above 1 cannot be expanded.
    const int64_t rank = (*lengths)[0] > input->rank() ? (*lengths)[0] : input->rank();
    if (rank <= Shape::kMaxRank) {
      out = Shape::OfRank(static_cast<int>(rank), kUnknown);
      for (int i = 0; i < input->rank(); ++i) {
        if ((*input)[i] > 1) (*out)[static_cast<int>(rank) - input->rank() + i] = (*input)[i];
      }
    }
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status EvaluateExpand(EvalContext& context) {
  const Tensor& input = context.input(0);
  Tensor& output = context.output(0);
  // The output's shape may be known although the target is not: it is then the only one that fits.
  size_t rank = 0;
  OCTAVO_ASSIGN_OR_RETURN(const auto target, SmallIntegers(context.input(1), &rank));
  OCTAVO_ASSIGN_OR_RETURN(const Shape shape, Shape::FromSpan(std::span(target).first(rank)));
  OCTAVO_RETURN_IF_ERROR(BroadcastShapes(input.shape(), shape).status());
  CopyElements(Walk::Broadcast(output.shape(), {&input.shape()}), BitsOf(output.dtype()) / 8, input.raw(),
               output.mutable_raw());
  return Ok();
}

// ---------------------------------------------------------------------------------------------- rows

constexpr const char* kNoValues = "Gives shapes and constants, not values computed from activations.";
constexpr const char* kConversion = "Its output type is stated by the model.";

using InferRule = Status (*)(InferContext&);
using EvaluateRule = Status (*)(EvalContext&);
using AttributeSpecs = std::span<const AttributeSpec>;

constexpr Operator Row(const char* name, int since, int min_inputs, int max_inputs, InferRule infer,
                       EvaluateRule evaluate, const char* why_float, AttributeSpecs attributes = {},
                       const char* coverage = "") {
  Operator row;
  row.name = name;
  row.since = since;
  row.min_inputs = min_inputs;
  row.max_inputs = max_inputs;
  row.attributes = attributes;
  row.infer = infer;
  row.evaluate = evaluate;
  row.why_float = why_float;
  row.coverage = coverage;
  return row;
}

// The same elements in the same order, under another shape or repeated: no arithmetic, so 8 bits do as well.
constexpr Operator Move(const char* name, int min_inputs, int max_inputs, InferRule infer, EvaluateRule evaluate,
                        AttributeSpecs attributes = {}) {
  Operator row = Row(name, 7, min_inputs, max_inputs, infer, evaluate, nullptr, attributes);
  row.quant = QuantRule::kMove;
  row.lowering = Lowering::kMove;
  return row;
}

constexpr Operator DropoutRow(AttributeSpecs attributes) {
  Operator row = Move("Dropout", 1, 3, InferDropout, EvaluateDropout, attributes);
  row.max_outputs = 2;
  row.coverage = "Inference mode: training_mode false, or a ratio of 0.";
  return row;
}

constexpr AttributeSpec kStartEnd[] = {{"start", AttributeType::kInt}, {"end", AttributeType::kInt}};
constexpr AttributeSpec kAllowZero[] = {{"allowzero", AttributeType::kInt}};
constexpr AttributeSpec kAxis[] = {{"axis", AttributeType::kInt}};
constexpr AttributeSpec kAxes[] = {{"axes", AttributeType::kInts}};
constexpr AttributeSpec kDropout[] = {{"ratio", AttributeType::kFloat}, {"seed", AttributeType::kInt}};
constexpr AttributeSpec kCast[] = {
    {"to", AttributeType::kInt, true}, {"saturate", AttributeType::kInt}, {"round_mode", AttributeType::kString}};
constexpr AttributeSpec kCastLike[] = {{"saturate", AttributeType::kInt}, {"round_mode", AttributeType::kString}};
constexpr AttributeSpec kConstant[] = {
    {"value", AttributeType::kTensor},         {"value_float", AttributeType::kFloat},
    {"value_floats", AttributeType::kFloats},  {"value_int", AttributeType::kInt},
    {"value_ints", AttributeType::kInts},      {"value_string", AttributeType::kString},
    {"value_strings", AttributeType::kStrings}};
constexpr AttributeSpec kValue[] = {{"value", AttributeType::kTensor}};
constexpr AttributeSpec kTo[] = {{"to", AttributeType::kInt, true}};
constexpr AttributeSpec kEye[] = {{"dtype", AttributeType::kInt}, {"k", AttributeType::kInt}};
constexpr AttributeSpec kStash[] = {{"stash_type", AttributeType::kInt}};

constexpr const char* kTypes = "No strings, no 8-bit or 4-bit floats, no 2-bit integers.";

constexpr Operator kRows[] = {
    Row("Shape", 7, 1, 1, InferShapeOf, EvaluateShapeOf, kNoValues, kStartEnd),
    Row("Size", 7, 1, 1, InferSize, EvaluateSize, kNoValues),
    Move("Reshape", 2, 2, InferReshape, CopyBytes, kAllowZero),
    Move("Flatten", 1, 1, InferFlatten, CopyBytes, kAxis),
    Move("Squeeze", 1, 2, InferSqueeze, CopyBytes, kAxes),
    Move("Unsqueeze", 1, 2, InferUnsqueeze, CopyBytes, kAxes),
    Move("Identity", 1, 1, InferIdentity, CopyBytes),
    DropoutRow(kDropout),
    Row("Cast", 7, 1, 1, InferCast, EvaluateCast, kConversion, kCast, kTypes),
    Row("CastLike", 15, 2, 2, InferCastLike, EvaluateCast, kConversion, kCastLike, kTypes),
    Row("BitCast", 26, 1, 1, InferBitCast, CopyBytes, kConversion, kTo, kTypes),
    Row("Constant", 7, 0, 0, InferConstant, EvaluateConstant, kNoValues, kConstant, "No strings, no sparse tensors."),
    Row("ConstantOfShape", 9, 1, 1, InferConstantOfShape, EvaluateConstantOfShape, kNoValues, kValue),
    Row("EyeLike", 9, 1, 1, InferEyeLike, EvaluateEyeLike, kNoValues, kEye),
    Row("Range", 11, 3, 3, InferRange, EvaluateRange, kNoValues, kStash),
    Move("Expand", 2, 2, InferExpand, EvaluateExpand),
};

}  // namespace

std::span<const Operator> ShapeOperators() { return kRows; }

}  // namespace octavo
