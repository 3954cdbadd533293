// Operators that take or put elements by index. Indices are data: they are checked when the node runs.
#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/elementwise.h"
#include "core/ops/families.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

size_t ElementBytes(const Tensor& tensor) { return BitsOf(tensor.dtype()) / 8; }

// Element i of an int32 or int64 tensor.
int64_t IndexAt(const Tensor& tensor, int64_t i) {
  return tensor.dtype() == DType::kInt64 ? static_cast<const int64_t*>(tensor.raw())[i]
                                         : static_cast<const int32_t*>(tensor.raw())[i];
}

// indices[at], counted from the end if negative, checked against the axis it indexes.
Result<int64_t> CheckedIndex(const Tensor& indices, int64_t at, int64_t dim) {
  const int64_t index = IndexAt(indices, at);
  if (index < -dim || index >= dim) {
    return Error(Code::kInvalidArgument, "indices[%lld] is %lld, which is outside [%lld, %lld)", LL(at), LL(index),
                 LL(-dim), LL(dim));
  }
  return index < 0 ? index + dim : index;
}

Status CheckIndices(const InferContext& context, size_t i) {
  return CheckType(context, i, "indices", {DType::kInt32, DType::kInt64});
}

// Known dimensions must agree.
bool DimsAgree(int64_t a, int64_t b) { return a == b || a == kUnknown || b == kUnknown; }

Result<Shape> CheckedRank(std::span<const int64_t> dims) { return Shape::FromSpan(dims); }

// ---------------------------------------------------------------------------------------------- Gather

Status InferGather(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "data"));
  OCTAVO_RETURN_IF_ERROR(CheckIndices(context, 1));
  const Shape *data = context.shape(0), *indices = context.shape(1);
  std::optional<Shape> out;
  if (data) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 0), data->rank()));
    if (indices) {
      std::vector<int64_t> dims(data->dims().begin(), data->dims().begin() + axis);
      dims.insert(dims.end(), indices->dims().begin(), indices->dims().end());
      dims.insert(dims.end(), data->dims().begin() + axis + 1, data->dims().end());
      OCTAVO_ASSIGN_OR_RETURN(out, CheckedRank(dims));
    }
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status EvaluateGather(EvalContext& context) {
  const Tensor &data = context.input(0), &indices = context.input(1);
  Tensor& output = context.output(0);
  const Shape& shape = data.shape();
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 0), shape.rank()));
  std::vector<int64_t> chosen(static_cast<size_t>(indices.elements()));
  for (size_t i = 0; i < chosen.size(); ++i) {
    OCTAVO_ASSIGN_OR_RETURN(chosen[i], CheckedIndex(indices, static_cast<int64_t>(i), shape[axis]));
  }
  if (output.elements() == 0) return Ok();
  const int64_t inner = shape.Elements(axis + 1, shape.rank());
  if (inner == 1) {  // single elements: copy a column at a time
    for (size_t i = 0; i < chosen.size(); ++i) {
      Walk walk;
      walk.AddDim(shape.Elements(0, axis), {indices.elements(), shape[axis]});
      walk.Offset(0, static_cast<int64_t>(i));
      walk.Offset(1, chosen[i]);
      CopyElements(walk, ElementBytes(data), data.raw(), output.mutable_raw());
    }
    return Ok();
  }
  const size_t run = static_cast<size_t>(inner) * ElementBytes(data);
  const auto* from = static_cast<const std::byte*>(data.raw());
  auto* to = static_cast<std::byte*>(output.mutable_raw());
  for (int64_t outer = 0; outer < shape.Elements(0, axis); ++outer) {
    for (int64_t index : chosen) {
      std::memcpy(to, from + static_cast<size_t>(outer * shape[axis] + index) * run, run);
      to += run;
    }
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- GatherElements

// data and indices: the same rank; along the other axes indices may not be longer.
Status CheckElementIndices(const InferContext& context, const Shape* data, const Shape* indices) {
  if (!data) return Ok();
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 0), data->rank()));
  if (!indices) return Ok();
  bool fits = data->rank() == indices->rank();
  for (int i = 0; fits && i < data->rank(); ++i) {
    fits = i == axis || (*data)[i] == kUnknown || (*indices)[i] == kUnknown || (*indices)[i] <= (*data)[i];
  }
  if (fits) return Ok();
  return Error(Code::kInvalidModel, "indices of shape %s do not fit data of shape %s and axis %d",
               indices->ToString().c_str(), data->ToString().c_str(), axis);
}

Status InferGatherElements(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "data"));
  OCTAVO_RETURN_IF_ERROR(CheckIndices(context, 1));
  const Shape* indices = context.shape(1);
  OCTAVO_RETURN_IF_ERROR(CheckElementIndices(context, context.shape(0), indices));
  context.SetOutput(0, context.dtype(0), indices ? std::optional(*indices) : std::nullopt);
  return Ok();
}

// For each element of indices, in order: f(its number, the element of data that it stands for).
template <typename F>
Status ForEachIndexedElement(const Tensor& data, const Tensor& indices, int64_t axis_given, F&& f) {
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_given, data.shape().rank()));
  const auto strides = DenseStrides(data.shape()), own = DenseStrides(indices.shape());
  Walk walk;  // operand 0: the number; operand 1: the element of data, but for the axis
  for (int i = 0; i < indices.shape().rank(); ++i) {
    const size_t d = static_cast<size_t>(i);
    walk.AddDim(indices.shape()[i], {own[d], i == axis ? 0 : strides[d]});
  }
  const int64_t dim = data.shape()[axis], axis_stride = strides[static_cast<size_t>(axis)];
  Status status;
  walk.ForEachRun([&](const int64_t* offsets, int64_t n) {
    for (int64_t i = 0; i < n && status.ok(); ++i) {
      const int64_t at = offsets[0] + i * walk.stride(0);
      const Result<int64_t> index = CheckedIndex(indices, at, dim);
      if (index.ok()) {
        f(at, offsets[1] + i * walk.stride(1) + *index * axis_stride);
      } else {
        status = index.status();
      }
    }
  });
  return status;
}

template <typename T>
Status GatherElements(EvalContext& context) {
  const T* from = static_cast<const T*>(context.input(0).raw());
  T* to = static_cast<T*>(context.output(0).mutable_raw());
  return ForEachIndexedElement(context.input(0), context.input(1), context.Int("axis", 0),
                               [&](int64_t at, int64_t element) { to[at] = from[element]; });
}

Status EvaluateGatherElements(EvalContext& context) {
  switch (ElementBytes(context.input(0))) {
    case 1:
      return GatherElements<uint8_t>(context);
    case 2:
      return GatherElements<uint16_t>(context);
    case 4:
      return GatherElements<uint32_t>(context);
    default:
      return GatherElements<uint64_t>(context);
  }
}

// ---------------------------------------------------------------------------------------------- GatherND

Status InferGatherND(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "data"));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "indices", {DType::kInt64}));
  const Shape *data = context.shape(0), *indices = context.shape(1);
  const int64_t batch = context.Int("batch_dims", 0);
  std::optional<Shape> out;
  if (data && indices) {
    if (data->rank() < 1 || indices->rank() < 1 || batch < 0 || batch >= std::min(data->rank(), indices->rank())) {
      return Error(Code::kInvalidModel, "batch_dims is %lld for data of rank %d and indices of rank %d", LL(batch),
                   data->rank(), indices->rank());
    }
    for (int i = 0; i < batch; ++i) {
      if (!DimsAgree((*data)[i], (*indices)[i])) {
        return Error(Code::kInvalidModel, "batch dimension %d is %lld in data, %lld in indices", i, LL((*data)[i]),
                     LL((*indices)[i]));
      }
    }
    const int64_t depth = (*indices)[indices->rank() - 1];
    if (depth != kUnknown) {
      if (depth < 1 || depth > data->rank() - batch) {
        return Error(Code::kInvalidModel, "indices have %lld components; allowed: 1 to %lld", LL(depth),
                     LL(data->rank() - batch));
      }
      std::vector<int64_t> dims(indices->dims().begin(), indices->dims().end() - 1);
      dims.insert(dims.end(), data->dims().begin() + batch + depth, data->dims().end());
      OCTAVO_ASSIGN_OR_RETURN(out, CheckedRank(dims));
    }
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

// The number of the slice of `data` that the tuple of `depth` components at `at` points to, axes [first, first +
// depth).
Result<int64_t> SliceNumber(const Shape& data, const Tensor& indices, int64_t at, int first, int64_t depth) {
  int64_t number = 0;
  for (int i = 0; i < depth; ++i) {
    OCTAVO_ASSIGN_OR_RETURN(const int64_t index, CheckedIndex(indices, at + i, data[first + i]));
    number = number * data[first + i] + index;
  }
  return number;
}

Status EvaluateGatherND(EvalContext& context) {
  const Tensor &data = context.input(0), &indices = context.input(1);
  Tensor& output = context.output(0);
  const Shape& shape = data.shape();
  const int batch = static_cast<int>(context.Int("batch_dims", 0));
  const int64_t depth = indices.shape()[indices.shape().rank() - 1];
  const int64_t tuples = indices.elements() / depth;
  if (tuples == 0) return Ok();
  if (data.elements() == 0) {  // any index must be out of range, unless the slices themselves are empty
    for (int64_t t = 0; t < tuples; ++t) {
      OCTAVO_RETURN_IF_ERROR(SliceNumber(shape, indices, t * depth, batch, depth).status());
    }
    return Ok();
  }
  const int64_t per_batch = tuples / indices.shape().Elements(0, batch);
  const int64_t slices = shape.Elements(batch, batch + static_cast<int>(depth));
  const size_t run =
      static_cast<size_t>(shape.Elements(batch + static_cast<int>(depth), shape.rank())) * ElementBytes(data);
  for (int64_t t = 0; t < tuples; ++t) {
    OCTAVO_ASSIGN_OR_RETURN(const int64_t number, SliceNumber(shape, indices, t * depth, batch, depth));
    std::memcpy(static_cast<std::byte*>(output.mutable_raw()) + static_cast<size_t>(t) * run,
                static_cast<const std::byte*>(data.raw()) + static_cast<size_t>(t / per_batch * slices + number) * run,
                run);
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- ScatterElements,
// ScatterND

enum class Reduction { kNone, kAdd, kMul, kMin, kMax };

Result<Reduction> ReductionOf(const NodeReader& node) {
  const std::string name = node.String("reduction", "none");
  if (name == "none") return Reduction::kNone;
  if (name == "add" && node.opset() >= 16) return Reduction::kAdd;
  if (name == "mul" && node.opset() >= 16) return Reduction::kMul;
  if (name == "min" && node.opset() >= 18) return Reduction::kMin;
  if (name == "max" && node.opset() >= 18) return Reduction::kMax;
  return Error(Code::kInvalidModel, "reduction is \"%s\"; allowed: none%s%s", Printable(name).c_str(),
               node.opset() >= 16 ? ", add, mul" : "", node.opset() >= 18 ? ", min, max" : "");
}

// The checks and the output that both scatters share.
Status InferScatter(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 3));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "data"));
  OCTAVO_RETURN_IF_ERROR(CheckIndices(context, 1));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "data", 2, "updates"));
  OCTAVO_ASSIGN_OR_RETURN(const Reduction reduction, ReductionOf(context));
  if (reduction != Reduction::kNone && context.dtype(0) == DType::kBool) {
    return Error(Code::kUnsupported, "reductions of bool");
  }
  const Shape* data = context.shape(0);
  context.SetOutput(0, context.dtype(0), data ? std::optional(*data) : std::nullopt);
  return Ok();
}

Status InferScatterElements(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(InferScatter(context));
  const Shape *indices = context.shape(1), *updates = context.shape(2);
  OCTAVO_RETURN_IF_ERROR(CheckElementIndices(context, context.shape(0), indices));
  if (indices && updates) {
    bool same = indices->rank() == updates->rank();
    for (int i = 0; same && i < indices->rank(); ++i) same = DimsAgree((*indices)[i], (*updates)[i]);
    if (!same) {
      return Error(Code::kInvalidModel, "indices have shape %s, updates %s; they must be the same",
                   indices->ToString().c_str(), updates->ToString().c_str());
    }
  }
  return Ok();
}

Status InferScatterND(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(InferScatter(context));
  const Shape *data = context.shape(0), *indices = context.shape(1), *updates = context.shape(2);
  if (!data || !indices) return Ok();
  if (data->rank() < 1 || indices->rank() < 1) {
    return Error(Code::kInvalidModel, "data has rank %d, indices %d; allowed: 1 and above", data->rank(),
                 indices->rank());
  }
  const int64_t depth = (*indices)[indices->rank() - 1];
  if (depth == kUnknown) return Ok();
  if (depth < 1 || depth > data->rank()) {
    return Error(Code::kInvalidModel, "indices have %lld components; allowed: 1 to %d", LL(depth), data->rank());
  }
  if (!updates) return Ok();
  std::vector<int64_t> dims(indices->dims().begin(), indices->dims().end() - 1);
  dims.insert(dims.end(), data->dims().begin() + depth, data->dims().end());
  bool same = dims.size() == static_cast<size_t>(updates->rank());
  for (int i = 0; same && i < updates->rank(); ++i) same = DimsAgree(dims[static_cast<size_t>(i)], (*updates)[i]);
  if (!same) {
    return Error(Code::kInvalidModel, "updates have shape %s, which fits neither data %s nor indices %s",
                 updates->ToString().c_str(), data->ToString().c_str(), indices->ToString().c_str());
  }
  return Ok();
}

// output[to, to + n) = output[to, to + n) reduced with updates[from, from + n).
void Reduce(Reduction reduction, Tensor& output, int64_t to, const Tensor& updates, int64_t from, int64_t n) {
  if (reduction == Reduction::kNone) {
    const size_t bytes = ElementBytes(output);
    std::memcpy(static_cast<std::byte*>(output.mutable_raw()) + static_cast<size_t>(to) * bytes,
                static_cast<const std::byte*>(updates.raw()) + static_cast<size_t>(from) * bytes,
                static_cast<size_t>(n) * bytes);
    return;
  }
  VisitWidened(output.dtype(), [&](auto zero) {
    using W = decltype(zero);
    using U = std::conditional_t<std::is_same_v<W, double>, double, uint64_t>;  // integers wrap
    W a[kChunk], b[kChunk];
    for (int64_t first = 0; first < n; first += kChunk) {
      const int64_t count = std::min(n - first, kChunk);
      LoadElements(output.dtype(), output.raw(), to + first, 1, count, a);
      LoadElements(output.dtype(), updates.raw(), from + first, 1, count, b);
      for (int64_t i = 0; i < count; ++i) {
        const W x = a[i], y = b[i];
        switch (reduction) {
          case Reduction::kAdd:
            a[i] = static_cast<W>(static_cast<U>(x) + static_cast<U>(y));
            break;
          case Reduction::kMul:
            a[i] = static_cast<W>(static_cast<U>(x) * static_cast<U>(y));
            break;
          case Reduction::kMin:
            a[i] = y < x || y != y ? y : x;
            break;
          default:
            a[i] = x < y || y != y ? y : x;
        }
      }
      StoreElements(output.dtype(), a, count, output.mutable_raw(), to + first);
    }
    return 0;
  });
}

// Updates are applied in index order, so that duplicates have a defined result.
Status EvaluateScatterElements(EvalContext& context) {
  const Tensor &data = context.input(0), &indices = context.input(1), &updates = context.input(2);
  Tensor& output = context.output(0);
  OCTAVO_ASSIGN_OR_RETURN(const Reduction reduction, ReductionOf(context));
  std::memcpy(output.mutable_raw(), data.raw(), output.bytes());
  return ForEachIndexedElement(data, indices, context.Int("axis", 0), [&](int64_t at, int64_t element) {
    Reduce(reduction, output, element, updates, at, 1);
  });
}

Status EvaluateScatterND(EvalContext& context) {
  const Tensor &data = context.input(0), &indices = context.input(1), &updates = context.input(2);
  Tensor& output = context.output(0);
  OCTAVO_ASSIGN_OR_RETURN(const Reduction reduction, ReductionOf(context));
  std::memcpy(output.mutable_raw(), data.raw(), output.bytes());
  const int64_t depth = indices.shape()[indices.shape().rank() - 1];
  const int64_t tuples = indices.elements() / depth;
  const int64_t run = tuples ? updates.elements() / tuples : 0;
  for (int64_t t = 0; t < tuples; ++t) {
    OCTAVO_ASSIGN_OR_RETURN(const int64_t number, SliceNumber(data.shape(), indices, t * depth, 0, depth));
    Reduce(reduction, output, number * run, updates, t * run, run);
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- OneHot

// The single element of a numeric tensor as an integer, truncated.
int64_t IntegerOf(const Tensor& tensor, int64_t at) {
  int64_t value = 0;
  if (IsFloating(tensor.dtype())) {
    double x;
    LoadElements(tensor.dtype(), tensor.raw(), at, 1, 1, &x);
    StoreElements(DType::kInt64, &x, 1, &value, 0);  // saturates
  } else {
    LoadElements(tensor.dtype(), tensor.raw(), at, 1, 1, &value);
  }
  return value;
}

Status InferOneHot(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 3));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "indices"));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 1, "depth"));
  OCTAVO_RETURN_IF_ERROR(CheckScalar(context, 1, "depth"));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 2, "values"));
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 2, "values", 2));
  int64_t depth = kUnknown;
  if (const Tensor* value = context.value(1)) {
    depth = IntegerOf(*value, 0);
    if (depth < 0) return Error(Code::kInvalidModel, "depth is %lld; allowed: 0 and above", LL(depth));
  }
  std::optional<Shape> out;
  if (const Shape* indices = context.shape(0)) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", -1), indices->rank() + 1));
    std::vector<int64_t> dims(indices->dims().begin(), indices->dims().end());
    dims.insert(dims.begin() + axis, depth);
    OCTAVO_ASSIGN_OR_RETURN(out, CheckedRank(dims));
  }
  context.SetOutput(0, context.dtype(2), out);
  return Ok();
}

Status EvaluateOneHot(EvalContext& context) {
  const Tensor &indices = context.input(0), &values = context.input(2);
  Tensor& output = context.output(0);
  const size_t bytes = ElementBytes(output);
  const auto* off = static_cast<const std::byte*>(values.raw());
  const std::byte* on = off + bytes;
  FillElements(bytes, off, output.elements(), output.mutable_raw());
  if (output.elements() == 0) return Ok();
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", -1), output.shape().rank()));
  const int64_t depth = output.shape()[axis];
  const int64_t inner = indices.shape().Elements(axis, indices.shape().rank());
  for (int64_t i = 0; i < indices.elements(); ++i) {
    int64_t index = IntegerOf(indices, i);
    if (index < -depth || index >= depth) continue;  // all off
    if (index < 0) index += depth;
    const int64_t at = (i / inner * depth + index) * inner + i % inner;
    std::memcpy(static_cast<std::byte*>(output.mutable_raw()) + static_cast<size_t>(at) * bytes, on, bytes);
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- NonZero

Status InferNonZero(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "X"));
  const Shape* input = context.shape(0);
  context.SetOutput(0, DType::kInt64, Shape{input ? input->rank() : kUnknown, kUnknown});
  return Ok();
}

Status EvaluateNonZero(EvalContext& context) {
  const Tensor& input = context.input(0);
  const Shape& shape = input.shape();
  std::vector<int64_t> found;
  VisitWidened(input.dtype(), [&](auto zero) {
    decltype(zero) values[kChunk];
    for (int64_t first = 0; first < input.elements(); first += kChunk) {
      const int64_t n = std::min(input.elements() - first, kChunk);
      LoadElements(input.dtype(), input.raw(), first, 1, n, values);
      for (int64_t i = 0; i < n; ++i) {
        if (values[i] != 0) found.push_back(first + i);
      }
    }
    return 0;
  });
  const int64_t count = static_cast<int64_t>(found.size());
  OCTAVO_RETURN_IF_ERROR(context.Allocate(0, DType::kInt64, Shape{shape.rank(), count}));
  if (found.empty()) return Ok();
  const auto strides = DenseStrides(shape);
  auto to = context.output(0).mutable_data<int64_t>();
  for (int d = 0; d < shape.rank(); ++d) {
    for (size_t i = 0; i < found.size(); ++i) {
      to[static_cast<size_t>(d) * found.size() + i] = found[i] / strides[static_cast<size_t>(d)] % shape[d];
    }
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Compress

Status InferCompress(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "input"));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "condition", {DType::kBool}));
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "condition", kUnknown));
  const Shape* input = context.shape(0);
  std::optional<Shape> out;
  if (!context.has_attribute("axis")) {
    out = Shape{kUnknown};
  } else if (input) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 0), input->rank()));
    out = *input;
    (*out)[axis] = kUnknown;
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status EvaluateCompress(EvalContext& context) {
  const Tensor &input = context.input(0), &condition = context.input(1);
  const bool flat = !context.has_attribute("axis");
  const Shape from = flat ? Shape{input.elements()} : input.shape();
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(flat ? 0 : context.Int("axis", 0), from.rank()));
  const auto* choose = static_cast<const uint8_t*>(condition.raw());
  if (condition.elements() > from[axis]) {
    return Error(Code::kInvalidArgument, "condition has %lld elements, the axis %lld", LL(condition.elements()),
                 LL(from[axis]));
  }
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < condition.elements(); ++i) {
    if (choose[i]) chosen.push_back(i);
  }
  Shape to = from;
  to[axis] = static_cast<int64_t>(chosen.size());
  OCTAVO_RETURN_IF_ERROR(context.Allocate(0, input.dtype(), to));
  Tensor& output = context.output(0);
  if (output.elements() == 0) return Ok();
  const int64_t inner = from.Elements(axis + 1, from.rank());
  for (size_t i = 0; i < chosen.size(); ++i) {
    Walk walk;
    walk.AddDim(from.Elements(0, axis), {to[axis] * inner, from[axis] * inner});
    walk.AddDim(inner, {1, 1});
    walk.Offset(0, static_cast<int64_t>(i) * inner);
    walk.Offset(1, chosen[i] * inner);
    CopyElements(walk, ElementBytes(input), input.raw(), output.mutable_raw());
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Unique

Status InferUnique(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "X"));
  OCTAVO_RETURN_IF_ERROR(CheckRange("sorted", context.Int("sorted", 1), 0, 1));
  const Shape* input = context.shape(0);
  std::optional<Shape> out;
  if (!context.has_attribute("axis")) {
    out = Shape{kUnknown};
  } else if (input) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 0), input->rank()));
    out = *input;
    (*out)[axis] = kUnknown;
  }
  context.SetOutput(0, context.dtype(0), out);
  for (size_t i = 1; i < 4; ++i) context.SetOutput(i, DType::kInt64, Shape{kUnknown});
  return Ok();
}

// Slices are compared element by element; NaN comes last and equals NaN.
Status EvaluateUnique(EvalContext& context) {
  const Tensor& input = context.input(0);
  const bool flat = !context.has_attribute("axis");
  const Shape from = flat ? Shape{input.elements()} : input.shape();
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(flat ? 0 : context.Int("axis", 0), from.rank()));
  const bool empty = input.elements() == 0;
  if (empty && from[axis] != 0) return Error(Code::kUnsupported, "Unique of slices without elements");
  const int64_t length = from[axis];
  const int64_t outer = empty ? 0 : from.Elements(0, axis), inner = empty ? 0 : from.Elements(axis + 1, from.rank());
  return VisitWidened(input.dtype(), [&](auto zero) -> Status {
    using W = decltype(zero);
    // The slices, one after the other.
    std::vector<W> slices(static_cast<size_t>(input.elements()));
    const int64_t size = outer * inner;
    for (int64_t s = 0; s < length; ++s) {
      for (int64_t o = 0; o < outer; ++o) {
        LoadElements(input.dtype(), input.raw(), (o * length + s) * inner, 1, inner,
                     slices.data() + s * size + o * inner);
      }
    }
    const auto compare = [&](int64_t a, int64_t b) {
      for (int64_t i = 0; i < size; ++i) {
        const W x = slices[static_cast<size_t>(a * size + i)], y = slices[static_cast<size_t>(b * size + i)];
        const bool x_nan = x != x, y_nan = y != y;
        if (x_nan != y_nan) return x_nan ? 1 : -1;
        if (!x_nan && x != y) return x < y ? -1 : 1;
      }
      return 0;
    };
    std::vector<int64_t> order(static_cast<size_t>(length));
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return compare(a, b) < 0; });
    struct Entry {
      int64_t first;  // the first slice of this value
      std::vector<int64_t> members;
    };
    std::vector<Entry> entries;
    for (int64_t slice : order) {
      if (entries.empty() || compare(entries.back().first, slice) != 0) entries.push_back({slice, {}});
      entries.back().members.push_back(slice);
    }
    if (context.Int("sorted", 1) == 0) {
      std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.first < b.first; });
    }
    const int64_t count = static_cast<int64_t>(entries.size());
    Shape to = from;
    to[axis] = count;
    OCTAVO_RETURN_IF_ERROR(context.Allocate(0, input.dtype(), to));
    OCTAVO_RETURN_IF_ERROR(context.Allocate(1, DType::kInt64, Shape{count}));
    OCTAVO_RETURN_IF_ERROR(context.Allocate(2, DType::kInt64, Shape{length}));
    OCTAVO_RETURN_IF_ERROR(context.Allocate(3, DType::kInt64, Shape{count}));
    for (size_t e = 0; e < entries.size(); ++e) {
      const Entry& entry = entries[e];
      if (context.has_output(0)) {
        Walk walk;
        walk.AddDim(outer, {count * inner, length * inner});
        walk.AddDim(inner, {1, 1});
        walk.Offset(0, static_cast<int64_t>(e) * inner);
        walk.Offset(1, entry.first * inner);
        CopyElements(walk, ElementBytes(input), input.raw(), context.output(0).mutable_raw());
      }
      if (context.has_output(1)) context.output(1).mutable_data<int64_t>()[e] = entry.first;
      if (context.has_output(2)) {
        for (int64_t member : entry.members) {
          context.output(2).mutable_data<int64_t>()[static_cast<size_t>(member)] = static_cast<int64_t>(e);
        }
      }
      if (context.has_output(3)) {
        context.output(3).mutable_data<int64_t>()[e] = static_cast<int64_t>(entry.members.size());
      }
    }
    return Ok();
  });
}

// ---------------------------------------------------------------------------------------------- NonMaxSuppression

Status InferNonMaxSuppression(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "boxes", {DType::kFloat}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "scores", {DType::kFloat}));
  OCTAVO_RETURN_IF_ERROR(CheckRank(context, 0, "boxes", 3));
  OCTAVO_RETURN_IF_ERROR(CheckRank(context, 1, "scores", 3));
  static constexpr const char* kNames[] = {"max_output_boxes_per_class", "iou_threshold", "score_threshold"};
  for (size_t i = 2; i < 5; ++i) {
    if (!context.has_input(i)) continue;
    OCTAVO_RETURN_IF_ERROR(CheckType(context, i, kNames[i - 2], {i == 2 ? DType::kInt64 : DType::kFloat}));
    OCTAVO_RETURN_IF_ERROR(CheckScalar(context, i, kNames[i - 2]));
  }
  OCTAVO_RETURN_IF_ERROR(CheckRange("center_point_box", context.Int("center_point_box", 0), 0, 1));
  const Shape *boxes = context.shape(0), *scores = context.shape(1);
  if (boxes && scores) {
    if (!DimsAgree((*boxes)[0], (*scores)[0]) || !DimsAgree((*boxes)[1], (*scores)[2]) || !DimsAgree((*boxes)[2], 4)) {
      return Error(Code::kInvalidModel,
                   "boxes have shape %s, scores %s; allowed: [batch, count, 4] and [batch, classes, count]",
                   boxes->ToString().c_str(), scores->ToString().c_str());
    }
  }
  context.SetOutput(0, DType::kInt64, Shape{kUnknown, 3});
  return Ok();
}

struct Box {
  float x_low, x_high, y_low, y_high;
};

Box BoxAt(const float* box, bool center) {
  if (center) {
    const float half_width = box[2] / 2, half_height = box[3] / 2;
    return {box[0] - half_width, box[0] + half_width, box[1] - half_height, box[1] + half_height};
  }
  return {std::min(box[1], box[3]), std::max(box[1], box[3]), std::min(box[0], box[2]), std::max(box[0], box[2])};
}

// Whether intersection over union is above the threshold.
bool Overlap(const Box& a, const Box& b, float threshold) {
  const float x_low = std::max(a.x_low, b.x_low), x_high = std::min(a.x_high, b.x_high);
  const float y_low = std::max(a.y_low, b.y_low), y_high = std::min(a.y_high, b.y_high);
  if (!(x_low < x_high) || !(y_low < y_high)) return false;
  const float both = (x_high - x_low) * (y_high - y_low);
  const float area_a = (a.x_high - a.x_low) * (a.y_high - a.y_low);
  const float area_b = (b.x_high - b.x_low) * (b.y_high - b.y_low);
  const float either = area_a + area_b - both;
  if (!(both > 0) || !(area_a > 0) || !(area_b > 0) || !(either > 0)) return false;
  return both / either > threshold;
}

Status EvaluateNonMaxSuppression(EvalContext& context) {
  const Tensor &boxes = context.input(0), &scores = context.input(1);
  const int64_t batches = scores.shape()[0], classes = scores.shape()[1], count = scores.shape()[2];
  const int64_t most = context.has_input(2) ? context.input(2).data<int64_t>()[0] : 0;
  const float iou = context.has_input(3) ? context.input(3).data<float>()[0] : 0.0f;
  const bool has_least = context.has_input(4);
  const float least = has_least ? context.input(4).data<float>()[0] : 0.0f;
  const bool center = context.Int("center_point_box", 0) != 0;
  std::vector<int64_t> result;
  if (scores.elements() > 0 && most > 0) {
    const float* box_data = boxes.data<float>().data();
    std::vector<int64_t> candidates;
    std::vector<Box> kept;
    for (int64_t batch = 0; batch < batches; ++batch) {
      for (int64_t kind = 0; kind < classes; ++kind) {
        const float* score = scores.data<float>().data() + (batch * classes + kind) * count;
        candidates.clear();
        kept.clear();
        for (int64_t i = 0; i < count; ++i) {
          if (score[i] != score[i] || (has_least && !(score[i] > least))) continue;  // a NaN is no score
          candidates.push_back(i);
        }
        std::sort(candidates.begin(), candidates.end(),
                  [&](int64_t a, int64_t b) { return score[a] > score[b] || (score[a] == score[b] && a < b); });
        for (int64_t candidate : candidates) {
          if (static_cast<int64_t>(kept.size()) >= most) break;
          const Box box = BoxAt(box_data + (batch * count + candidate) * 4, center);
          if (std::any_of(kept.begin(), kept.end(), [&](const Box& other) { return Overlap(box, other, iou); })) {
            continue;
          }
          kept.push_back(box);
          result.insert(result.end(), {batch, kind, candidate});
        }
      }
    }
  }
  OCTAVO_RETURN_IF_ERROR(context.Allocate(0, DType::kInt64, Shape{static_cast<int64_t>(result.size()) / 3, 3}));
  if (!result.empty()) {
    std::memcpy(context.output(0).mutable_raw(), result.data(), result.size() * sizeof(int64_t));
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- rows

constexpr const char* kIndices = "Its results are indices, which rounding its input to 8 bits could change.";
constexpr const char* kNotYet = "No 8-bit form of it is implemented.";

using InferRule = Status (*)(InferContext&);
using EvaluateRule = Status (*)(EvalContext&);
using AttributeSpecs = std::span<const AttributeSpec>;

constexpr Operator Row(const char* name, int since, int inputs, InferRule infer, EvaluateRule evaluate,
                       AttributeSpecs attributes, const char* why_float) {
  Operator row;
  row.name = name;
  row.since = since;
  row.min_inputs = row.max_inputs = inputs;
  row.attributes = attributes;
  row.infer = infer;
  row.evaluate = evaluate;
  row.why_float = why_float;
  return row;
}

// Takes values of input 0 as they are.
constexpr Operator Move(Operator row) {
  row.quant = QuantRule::kMove;
  row.lowering = Lowering::kMove;
  return row;
}

constexpr Operator DataDependent(Operator row, int max_inputs, int max_outputs) {
  row.data_dependent = true;
  row.max_inputs = max_inputs;
  row.max_outputs = max_outputs;
  return row;
}

// ScatterElements' name before operator set 11.
constexpr Operator ScatterRow(Operator row) {
  row.until = 10;
  return row;
}

constexpr AttributeSpec kAxis[] = {{"axis", AttributeType::kInt}};
constexpr AttributeSpec kBatchDims[] = {{"batch_dims", AttributeType::kInt}};
constexpr AttributeSpec kScatterElements[] = {{"axis", AttributeType::kInt}, {"reduction", AttributeType::kString}};
constexpr AttributeSpec kScatterND[] = {{"reduction", AttributeType::kString}};
constexpr AttributeSpec kUnique[] = {{"axis", AttributeType::kInt}, {"sorted", AttributeType::kInt}};
constexpr AttributeSpec kCenter[] = {{"center_point_box", AttributeType::kInt}};

constexpr Operator kRows[] = {
    Move(Row("Gather", 7, 2, InferGather, EvaluateGather, kAxis, nullptr)),
    Move(Row("GatherElements", 11, 2, InferGatherElements, EvaluateGatherElements, kAxis, nullptr)),
    Move(Row("GatherND", 11, 2, InferGatherND, EvaluateGatherND, kBatchDims, nullptr)),
    Row("ScatterElements", 11, 3, InferScatterElements, EvaluateScatterElements, kScatterElements, kNotYet),
    ScatterRow(Row("Scatter", 9, 3, InferScatterElements, EvaluateScatterElements, kAxis, kNotYet)),
    Row("ScatterND", 11, 3, InferScatterND, EvaluateScatterND, kScatterND, kNotYet),
    Row("OneHot", 9, 3, InferOneHot, EvaluateOneHot, kAxis, "Its input are indices, not real numbers."),
    DataDependent(Row("NonZero", 9, 1, InferNonZero, EvaluateNonZero, {}, kIndices), 1, 1),
    DataDependent(Row("Compress", 9, 2, InferCompress, EvaluateCompress, kAxis, kNotYet), 2, 1),
    DataDependent(Row("Unique", 11, 1, InferUnique, EvaluateUnique, kUnique, kIndices), 1, 4),
    DataDependent(Row("NonMaxSuppression", 10, 2, InferNonMaxSuppression, EvaluateNonMaxSuppression, kCenter, kIndices),
                  5, 1),
};

}  // namespace

std::span<const Operator> GatherOperators() { return kRows; }

}  // namespace octavo
