#include "core/ops/pad.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/elementwise.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

enum class Mode { kConstant, kReflect, kEdge, kWrap };

Result<Mode> ModeOf(const NodeReader& node) {
  const std::string mode = node.String("mode", "constant");
  if (mode == "constant") return Mode::kConstant;
  if (mode == "reflect") return Mode::kReflect;
  if (mode == "edge") return Mode::kEdge;
  if (mode == "wrap" && node.opset() >= 19) return Mode::kWrap;
  return Error(Code::kInvalidModel, "mode is \"%s\"; allowed: constant, reflect, edge%s", Printable(mode).c_str(),
               node.opset() >= 19 ? ", wrap" : "");
}

// How much one axis grows, or shrinks if negative, at both its ends.
struct Growth {
  int64_t begin = 0, end = 0;
};

// Of every axis of a tensor of that rank. Values that are absent take no part; requires pads.
Result<std::vector<Growth>> GrowthOf(const std::vector<int64_t>& pads, const std::vector<int64_t>* axes, int rank) {
  const size_t count = axes ? axes->size() : static_cast<size_t>(rank);
  if (pads.size() != 2 * count) {
    return Error(Code::kInvalidModel, "pads has %zu elements; allowed: two for each of %zu axes", pads.size(), count);
  }
  constexpr int64_t kMost = int64_t{1} << 62;  // so that sums of two cannot overflow
  for (int64_t pad : pads) {
    if (pad < -kMost || pad > kMost) return Error(Code::kLimit, "padding by %lld is too much", LL(pad));
  }
  std::vector<Growth> growth(static_cast<size_t>(rank));
  std::vector<bool> seen(static_cast<size_t>(rank));
  for (size_t i = 0; i < count; ++i) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axes ? (*axes)[i] : static_cast<int64_t>(i), rank));
    if (seen[static_cast<size_t>(axis)]) return Error(Code::kInvalidModel, "axis %d stands twice in axes", axis);
    seen[static_cast<size_t>(axis)] = true;
    growth[static_cast<size_t>(axis)] = {pads[i], pads[i + count]};
  }
  return growth;
}

Result<int64_t> Grown(int64_t dim, Growth growth, Mode mode) {
  int64_t grown;
  if (!CheckedAdd(dim, growth.begin, &grown) || !CheckedAdd(grown, growth.end, &grown) || grown < 0) {
    return Error(Code::kInvalidModel, "dimension %lld cannot be padded by %lld and %lld", LL(dim), LL(growth.begin),
                 LL(growth.end));
  }
  // A row of what is left after cropping is what the other modes repeat.
  const int64_t left = dim + std::min(growth.begin, int64_t{0}) + std::min(growth.end, int64_t{0});
  if (mode != Mode::kConstant && left <= 0 && grown > 0) {
    return Error(Code::kInvalidModel, "dimension %lld padded by %lld and %lld has nothing to repeat", LL(dim),
                 LL(growth.begin), LL(growth.end));
  }
  return grown;
}

constexpr int64_t kConstantIndex = -1;

// For each output index of an axis the input index it takes its value from, or kConstantIndex.
std::vector<int64_t> SourceIndices(int64_t dim, int64_t grown, Growth growth, Mode mode) {
  const int64_t low = std::max(int64_t{0}, -growth.begin), high = std::min(dim, dim + growth.end);  // what is kept
  const int64_t kept = high - low;
  std::vector<int64_t> source(static_cast<size_t>(grown), kConstantIndex);
  for (int64_t j = 0; j < grown; ++j) {
    int64_t i = j - growth.begin - low;  // relative to what is kept
    if (i < 0 || i >= kept) {
      switch (mode) {
        case Mode::kConstant:
          continue;
        case Mode::kEdge:
          i = i < 0 ? 0 : kept - 1;
          break;
        case Mode::kWrap:
          i = (i % kept + kept) % kept;
          break;
        case Mode::kReflect: {
          const int64_t period = std::max(2 * (kept - 1), int64_t{1});
          i = (i % period + period) % period;
          i = std::min(i, period - i);
          if (kept == 1) i = 0;
          break;
        }
      }
    }
    source[static_cast<size_t>(j)] = low + i;
  }
  return source;
}

template <typename T>
void CopyPadded(const Tensor& input, const std::vector<std::vector<int64_t>>& sources, T constant, Tensor& output) {
  const auto strides = DenseStrides(input.shape());
  const T* from = static_cast<const T*>(input.raw());
  T* to = static_cast<T*>(output.mutable_raw());
  const size_t rank = sources.size(), last = rank - 1;
  const std::vector<int64_t>& row = sources[last];
  // The longest run of neighbours in a row: what was not padded.
  size_t begin = 0, end = 0;
  for (size_t i = 0; i < row.size();) {
    size_t j = i + 1;
    while (j < row.size() && row[i] != kConstantIndex && row[j] == row[j - 1] + 1) ++j;
    if (row[i] != kConstantIndex && j - i > end - begin) begin = i, end = j;
    i = j;
  }
  std::vector<size_t> index(rank);
  for (int64_t rows = output.elements() / static_cast<int64_t>(row.size()); rows > 0; --rows) {
    int64_t base = 0;
    bool constant_row = false;
    for (size_t d = 0; d < last; ++d) {
      const int64_t source = sources[d][index[d]];
      constant_row |= source == kConstantIndex;
      base += source * strides[d];
    }
    if (constant_row) {
      std::fill(to, to + row.size(), constant);
    } else {
      const auto element = [&](size_t i) { to[i] = row[i] == kConstantIndex ? constant : from[base + row[i]]; };
      for (size_t i = 0; i < begin; ++i) element(i);
      if (end > begin) std::memcpy(to + begin, from + base + row[begin], (end - begin) * sizeof(T));
      for (size_t i = end; i < row.size(); ++i) element(i);
    }
    to += row.size();
    for (size_t d = last; d-- > 0;) {
      if (++index[d] < sources[d].size()) break;
      index[d] = 0;
    }
  }
}

Status Evaluate(const Tensor& input, const std::vector<Growth>& growth, Mode mode, uint64_t constant, Tensor& output) {
  if (output.elements() == 0) return Ok();
  if (growth.empty()) {
    std::memcpy(output.mutable_raw(), input.raw(), output.bytes());
    return Ok();
  }
  std::vector<std::vector<int64_t>> sources;
  for (int d = 0; d < input.shape().rank(); ++d) {
    sources.push_back(SourceIndices(input.shape()[d], output.shape()[d], growth[static_cast<size_t>(d)], mode));
  }
  switch (BitsOf(input.dtype())) {
    case 8:
      CopyPadded(input, sources, static_cast<uint8_t>(constant), output);
      break;
    case 16:
      CopyPadded(input, sources, static_cast<uint16_t>(constant), output);
      break;
    case 32:
      CopyPadded(input, sources, static_cast<uint32_t>(constant), output);
      break;
    default:
      CopyPadded(input, sources, constant, output);
  }
  return Ok();
}

Result<std::vector<int64_t>> ReadIntegers(const Tensor& tensor) {
  size_t count = 0;
  OCTAVO_ASSIGN_OR_RETURN(const auto values, SmallIntegers(tensor, &count));
  return std::vector<int64_t>(values.begin(), values.begin() + static_cast<ptrdiff_t>(count));
}

}  // namespace

Status InferPad(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "data"));
  OCTAVO_ASSIGN_OR_RETURN(const Mode mode, ModeOf(context));
  std::optional<std::vector<int64_t>> pads, axes;
  if (context.opset() < 11) {
    if (context.inputs() > 1 || !context.has_attribute("pads")) {
      return Error(Code::kInvalidModel, "pads is an attribute before operator set 11, and required");
    }
    pads = context.Ints("pads");
  } else {
    if (context.has_attribute("pads") || context.has_attribute("value")) {
      return Error(Code::kInvalidModel, "pads and value are inputs since operator set 11, not attributes");
    }
    OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
    OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "pads", {DType::kInt64}));
    OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "pads", kUnknown));
    OCTAVO_RETURN_IF_ERROR(CheckScalar(context, 2, "constant_value"));
    OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "data", 2, "constant_value"));
    OCTAVO_ASSIGN_OR_RETURN(pads, context.Integers(1));
    if (context.has_input(3)) {
      OCTAVO_RETURN_IF_ERROR(CheckType(context, 3, "axes", {DType::kInt32, DType::kInt64}));
      OCTAVO_ASSIGN_OR_RETURN(axes, context.Integers(3));
      if (!axes) pads.reset();
    }
  }
  const Shape* input = context.shape(0);
  std::optional<Shape> out;
  if (input) out = Shape::OfRank(input->rank(), kUnknown);
  if (input && pads) {
    OCTAVO_ASSIGN_OR_RETURN(const auto growth, GrowthOf(*pads, axes ? &*axes : nullptr, input->rank()));
    for (int d = 0; d < input->rank(); ++d) {
      if ((*input)[d] == kUnknown) continue;
      OCTAVO_ASSIGN_OR_RETURN((*out)[d], Grown((*input)[d], growth[static_cast<size_t>(d)], mode));
    }
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status EvaluatePad(EvalContext& context) {
  const Tensor& input = context.input(0);
  OCTAVO_ASSIGN_OR_RETURN(const Mode mode, ModeOf(context));
  std::vector<int64_t> pads, axes;
  const bool has_axes = context.has_input(3);
  uint64_t constant = 0;  // its bytes, of the element's width
  if (context.opset() < 11) {
    pads = context.Ints("pads");
    const double value = context.Float("value", 0.0f);
    StoreElements(input.dtype(), &value, 1, &constant, 0);
  } else {
    OCTAVO_ASSIGN_OR_RETURN(pads, ReadIntegers(context.input(1)));
    if (has_axes) {
      OCTAVO_ASSIGN_OR_RETURN(axes, ReadIntegers(context.input(3)));
    }
    if (context.has_input(2)) std::memcpy(&constant, context.input(2).raw(), BitsOf(input.dtype()) / 8);
  }
  OCTAVO_ASSIGN_OR_RETURN(const auto growth, GrowthOf(pads, has_axes ? &axes : nullptr, input.shape().rank()));
  return Evaluate(input, growth, mode, constant, context.output(0));
}

Status InferCenterCropPad(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "input_data"));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "shape", {DType::kInt32, DType::kInt64}));
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "shape", kUnknown));
  OCTAVO_ASSIGN_OR_RETURN(const auto target, context.Integers(1));
  const Shape* input = context.shape(0);
  std::optional<Shape> out;
  if (input) {
    out = context.has_attribute("axes") ? *input : Shape::OfRank(input->rank(), kUnknown);
    std::vector<int64_t> axes = context.Ints("axes");
    if (!context.has_attribute("axes")) {
      for (int i = 0; i < input->rank(); ++i) axes.push_back(i);
    }
    if (target && target->size() != axes.size()) {
      return Error(Code::kInvalidModel, "shape has %zu elements for %zu axes", target->size(), axes.size());
    }
    std::vector<bool> seen(static_cast<size_t>(input->rank()));
    for (size_t i = 0; i < axes.size(); ++i) {
      OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axes[i], input->rank()));
      if (seen[static_cast<size_t>(axis)]) return Error(Code::kInvalidModel, "axis %d stands twice in axes", axis);
      seen[static_cast<size_t>(axis)] = true;
      if (target && (*target)[i] < 0) {
        return Error(Code::kInvalidModel, "shape has %lld; allowed: 0 and above", LL((*target)[i]));
      }
      (*out)[axis] = target ? (*target)[i] : kUnknown;
    }
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status EvaluateCenterCropPad(EvalContext& context) {
  const Shape &from = context.input(0).shape(), &to = context.output(0).shape();
  std::vector<Growth> growth;
  for (int d = 0; d < from.rank(); ++d) {
    const int64_t begin = (to[d] - from[d]) / 2;  // towards 0: an odd element is added or cut at the end
    growth.push_back({begin, to[d] - from[d] - begin});
  }
  return Evaluate(context.input(0), growth, Mode::kConstant, 0, context.output(0));
}

}  // namespace octavo
