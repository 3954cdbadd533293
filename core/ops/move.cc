// Operators that only move elements: they work on bytes, whatever the type, and on 8-bit values as well as on floats.
#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/elementwise.h"
#include "core/ops/families.h"
#include "core/ops/pad.h"
#include "core/ops/walk.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;
using IntegerList = std::vector<int64_t>;

size_t ElementBytes(const Tensor& tensor) { return BitsOf(tensor.dtype()) / 8; }

Result<IntegerList> ReadIntegers(const Tensor& tensor) {
  size_t count = 0;
  OCTAVO_ASSIGN_OR_RETURN(const auto values, SmallIntegers(tensor, &count));
  return IntegerList(values.begin(), values.begin() + static_cast<ptrdiff_t>(count));
}

// What the shape rule has of an input, and what the evaluation has.
const Tensor* ValueOf(const InferContext& context, size_t i) { return context.value(i); }
const Tensor* ValueOf(const EvalContext& context, size_t i) {
  return context.has_input(i) ? &context.input(i) : nullptr;
}

// ---------------------------------------------------------------------------------------------- Concat

Status InferConcat(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, context.inputs()));
  std::optional<Shape> out;
  int axis = 0;
  int64_t length = 0;
  DType dtype = DType::kUndefined;
  for (size_t i = 0; i < context.inputs(); ++i) {
    OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, i, "an input"));
    OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "input 0", i, "another"));
    if (dtype == DType::kUndefined) dtype = context.dtype(i);
    const Shape* shape = context.shape(i);
    if (!shape) {
      length = kUnknown;
      continue;
    }
    if (!out) {
      out = *shape;
      OCTAVO_ASSIGN_OR_RETURN(axis, NormalizeAxis(context.Int("axis", 0), shape->rank()));
    }
    bool fits = shape->rank() == out->rank();
    Shape merged = *out;
    for (int d = 0; fits && d < out->rank(); ++d) {
      const int64_t dim = (*shape)[d];
      if (d == axis || dim == kUnknown) continue;
      fits = merged[d] == kUnknown || merged[d] == dim;
      merged[d] = dim;
    }
    if (!fits) {
      return Error(Code::kInvalidModel, "input %zu has shape %s, which does not continue %s along axis %d", i,
                   shape->ToString().c_str(), out->ToString().c_str(), axis);
    }
    out = merged;
    if ((*shape)[axis] == kUnknown) {
      length = kUnknown;
    } else if (length != kUnknown && !CheckedAdd(length, (*shape)[axis], &length)) {
      return Error(Code::kLimit, "the concatenation is longer than 2^63");
    }
  }
  if (out) (*out)[axis] = length;
  context.SetOutput(0, dtype, out);
  return Ok();
}

// Copies `part` to or from the indices [first, first + its length) of `whole` along an axis.
void CopyPart(const Tensor& whole, int axis, int64_t first, const Tensor& part, bool into_whole) {
  const Shape &big = whole.shape(), &small = part.shape();
  if (whole.elements() == 0 || part.elements() == 0) return;
  const int64_t inner = small.Elements(axis + 1, small.rank());
  const int64_t big_run = big[axis] * inner, small_run = small[axis] * inner;
  Walk walk;
  walk.AddDim(small.Elements(0, axis), {into_whole ? big_run : small_run, into_whole ? small_run : big_run});
  walk.AddDim(small_run, {1, 1});
  walk.Offset(into_whole ? 0 : 1, first * inner);
  const Tensor& from = into_whole ? part : whole;
  const Tensor& to = into_whole ? whole : part;
  CopyElements(walk, ElementBytes(whole), from.raw(), const_cast<void*>(to.raw()));
}

Status EvaluateConcat(EvalContext& context) {
  Tensor& output = context.output(0);
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 0), output.shape().rank()));
  int64_t first = 0;
  for (size_t i = 0; i < context.inputs(); ++i) {
    CopyPart(output, axis, first, context.input(i), true);
    first += context.input(i).shape()[axis];
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Split

// The length of each output; nullopt where an input is not known yet.
Result<std::optional<IntegerList>> SplitLengths(const InferContext& context, int64_t dim) {
  const size_t outputs = context.outputs();
  std::optional<IntegerList> lengths;
  if (context.opset() < 13 ? context.has_attribute("split") : context.has_input(1)) {
    if (context.has_attribute("num_outputs")) {
      return Error(Code::kInvalidModel, "split and num_outputs exclude each other");
    }
    if (context.opset() < 13) {
      lengths = context.Ints("split");
    } else {
      OCTAVO_ASSIGN_OR_RETURN(lengths, context.Integers(1));
    }
    if (!lengths) return lengths;
    if (lengths->size() != outputs) {
      return Error(Code::kInvalidModel, "split has %zu lengths for %zu outputs", lengths->size(), outputs);
    }
    int64_t sum = 0;
    for (int64_t length : *lengths) {
      if (length < 0) return Error(Code::kInvalidModel, "split has the length %lld; allowed: 0 and above", LL(length));
      if (!CheckedAdd(sum, length, &sum)) return Error(Code::kInvalidModel, "the lengths in split overflow");
    }
    if (dim != kUnknown && sum != dim) {
      return Error(Code::kInvalidModel, "the lengths in split sum to %lld, the axis has %lld", LL(sum), LL(dim));
    }
    return lengths;
  }
  const int64_t parts = static_cast<int64_t>(outputs);
  const int64_t num_outputs = context.Int("num_outputs", parts);
  if (num_outputs != parts) {
    return Error(Code::kInvalidModel, "num_outputs is %lld, the node has %zu outputs", LL(num_outputs), outputs);
  }
  if (dim == kUnknown) return lengths;
  if (context.opset() < 18 && dim % parts != 0) {
    return Error(Code::kInvalidModel, "the axis of length %lld cannot be split into %zu equal parts", LL(dim), outputs);
  }
  // Equal parts; the last one takes what is left.
  const int64_t length = CeilDiv(dim, parts);
  lengths = IntegerList(outputs, length);
  lengths->back() = dim - length * (parts - 1);
  if (lengths->back() < 0) {
    return Error(Code::kInvalidModel, "the axis of length %lld is too short for %zu parts", LL(dim), outputs);
  }
  return lengths;
}

Status InferSplit(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "input"));
  const bool input_form = context.opset() >= 13;
  if (input_form ? context.has_attribute("split") : context.inputs() > 1) {
    return Error(Code::kInvalidModel, "split is an attribute before operator set 13 and an input from then on");
  }
  const Shape* input = context.shape(0);
  int axis = 0;
  if (input) {
    OCTAVO_ASSIGN_OR_RETURN(axis, NormalizeAxis(context.Int("axis", 0), input->rank()));
  }
  OCTAVO_ASSIGN_OR_RETURN(const auto lengths, SplitLengths(context, input ? (*input)[axis] : kUnknown));
  for (size_t i = 0; i < context.outputs(); ++i) {
    std::optional<Shape> out;
    if (input) {
      out = *input;
      (*out)[axis] = lengths ? (*lengths)[i] : kUnknown;
    }
    context.SetOutput(i, context.dtype(0), out);
  }
  return Ok();
}

Status EvaluateSplit(EvalContext& context) {
  const Tensor& input = context.input(0);
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 0), input.shape().rank()));
  int64_t first = 0;
  for (size_t i = 0; i < context.outputs(); ++i) {
    if (!context.has_output(i)) return Error(Code::kUnsupported, "Split with an output left out");
    CopyPart(input, axis, first, context.output(i), false);
    first += context.output(i).shape()[axis];
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Slice

// One axis: the indices start, start + step, ... (count of them).
struct SliceRange {
  int64_t start = 0, step = 1, count = 0;
};

SliceRange ResolveSlice(int64_t start, int64_t end, int64_t step, int64_t dim) {
  if (dim == 0) return {};
  step = std::clamp(step, -dim, dim);  // longer steps reach no second element either
  if (start < 0) start += dim;
  if (end < 0) end += dim;
  if (step > 0) {
    start = std::clamp(start, int64_t{0}, dim);
    end = std::clamp(end, int64_t{0}, dim);
    return {start, step, end > start ? CeilDiv(end - start, step) : 0};
  }
  start = std::clamp(start, int64_t{0}, dim - 1);
  end = std::clamp(end, int64_t{-1}, dim - 1);
  return {start, step, start > end ? CeilDiv(start - end, -step) : 0};
}

// The four lists of a Slice, as far as known. Axes and steps that are left out are filled in.
struct SliceLists {
  std::optional<IntegerList> starts, ends, axes, steps;
};

template <typename Context>
Result<SliceLists> ReadSlice(const Context& context) {
  SliceLists lists;
  std::optional<IntegerList>* const all[] = {&lists.starts, &lists.ends, &lists.axes, &lists.steps};
  size_t length = 0;
  if (context.opset() < 10) {
    lists.starts = context.Ints("starts");
    lists.ends = context.Ints("ends");
    if (context.has_attribute("axes")) lists.axes = context.Ints("axes");
  } else {
    for (size_t i = 0; i < 4; ++i) {
      if (const Tensor* value = ValueOf(context, i + 1)) {
        OCTAVO_ASSIGN_OR_RETURN(*all[i], ReadIntegers(*value));
      }
    }
  }
  const auto& known = lists.starts ? lists.starts : lists.ends ? lists.ends : lists.axes ? lists.axes : lists.steps;
  if (!known) return lists;
  length = known->size();
  const bool input_form = context.opset() >= 10;
  if (!lists.axes && !(input_form && context.node().has_input(3))) {
    lists.axes = IntegerList();
    for (size_t i = 0; i < length; ++i) lists.axes->push_back(static_cast<int64_t>(i));
  }
  if (!lists.steps && !(input_form && context.node().has_input(4))) lists.steps = IntegerList(length, 1);
  for (const auto* list : all) {
    if (*list && (*list)->size() != length) {
      return Error(Code::kInvalidModel, "starts, ends, axes and steps differ in length: %zu and %zu", length,
                   (*list)->size());
    }
  }
  if (lists.steps) {
    for (int64_t step : *lists.steps) {
      if (step == 0) return Error(Code::kInvalidModel, "a step is 0");
    }
  }
  return lists;
}

Status InferSlice(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "data"));
  static constexpr const char* kLists[] = {"starts", "ends", "axes", "steps"};
  if (context.opset() < 10) {
    if (context.inputs() > 1 || !context.has_attribute("starts") || !context.has_attribute("ends")) {
      return Error(Code::kInvalidModel, "starts and ends are attributes before operator set 10, and required");
    }
  } else {
    OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 3));
    for (size_t i = 0; i < 4; ++i) {
      if (context.has_attribute(kLists[i])) {
        return Error(Code::kInvalidModel, "%s is an input since operator set 10, not an attribute", kLists[i]);
      }
      if (!context.has_input(i + 1)) continue;
      OCTAVO_RETURN_IF_ERROR(CheckType(context, i + 1, kLists[i], {DType::kInt32, DType::kInt64}));
      OCTAVO_RETURN_IF_ERROR(CheckVector(context, i + 1, kLists[i], kUnknown));
    }
  }
  OCTAVO_ASSIGN_OR_RETURN(const SliceLists lists, ReadSlice(context));
  const Shape* input = context.shape(0);
  if (!input) {
    context.SetOutput(0, context.dtype(0), std::nullopt);
    return Ok();
  }
  Shape out = lists.axes ? *input : Shape::OfRank(input->rank(), kUnknown);
  if (lists.axes) {
    std::vector<bool> seen(static_cast<size_t>(input->rank()));
    for (size_t i = 0; i < lists.axes->size(); ++i) {
      OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis((*lists.axes)[i], input->rank()));
      if (seen[static_cast<size_t>(axis)]) return Error(Code::kInvalidModel, "axis %d stands twice in axes", axis);
      seen[static_cast<size_t>(axis)] = true;
      const int64_t dim = (*input)[axis];
      const bool known = dim != kUnknown && lists.starts && lists.ends && lists.steps;
      out[axis] = known ? ResolveSlice((*lists.starts)[i], (*lists.ends)[i], (*lists.steps)[i], dim).count : kUnknown;
    }
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status EvaluateSlice(EvalContext& context) {
  const Tensor& input = context.input(0);
  Tensor& output = context.output(0);
  OCTAVO_ASSIGN_OR_RETURN(const SliceLists lists, ReadSlice(context));
  const int rank = input.shape().rank();
  std::vector<SliceRange> ranges(static_cast<size_t>(rank));
  for (size_t i = 0; i < lists.axes->size(); ++i) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis((*lists.axes)[i], rank));
    ranges[static_cast<size_t>(axis)] =
        ResolveSlice((*lists.starts)[i], (*lists.ends)[i], (*lists.steps)[i], input.shape()[axis]);
  }
  const auto from = DenseStrides(input.shape()), to = DenseStrides(output.shape());
  Walk walk;
  for (int d = 0; d < rank; ++d) {
    const size_t i = static_cast<size_t>(d);
    walk.AddDim(output.shape()[d], {to[i], from[i] * ranges[i].step});
    walk.Offset(1, from[i] * ranges[i].start);
  }
  CopyElements(walk, ElementBytes(output), input.raw(), output.mutable_raw());
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Transpose

// The permutation, checked; the reverse of all axes where there is none.
Result<IntegerList> PermutationOf(const NodeReader& node, int rank) {
  IntegerList perm = node.Ints("perm");
  if (!node.has_attribute("perm")) {
    for (int i = rank - 1; i >= 0; --i) perm.push_back(i);
    return perm;
  }
  if (perm.size() != static_cast<size_t>(rank)) {
    return Error(Code::kInvalidModel, "perm has %zu axes, the input %d", perm.size(), rank);
  }
  std::vector<bool> seen(perm.size());
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= rank || seen[static_cast<size_t>(axis)]) {
      return Error(Code::kInvalidModel, "axis %lld in perm is outside [0, %d) or stands twice", LL(axis), rank);
    }
    seen[static_cast<size_t>(axis)] = true;
  }
  return perm;
}

Status InferTranspose(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "data"));
  const Shape* input = context.shape(0);
  std::optional<Shape> out;
  if (input) {
    OCTAVO_ASSIGN_OR_RETURN(const auto perm, PermutationOf(context, input->rank()));
    out = Shape();
    for (int64_t axis : perm) out->Append((*input)[static_cast<int>(axis)]);
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status EvaluateTranspose(EvalContext& context) {
  const Tensor& input = context.input(0);
  Tensor& output = context.output(0);
  OCTAVO_ASSIGN_OR_RETURN(const auto perm, PermutationOf(context, input.shape().rank()));
  const auto from = DenseStrides(input.shape()), to = DenseStrides(output.shape());
  Walk walk;
  for (int d = 0; d < output.shape().rank(); ++d) {
    const size_t i = static_cast<size_t>(d);
    walk.AddDim(output.shape()[d], {to[i], from[static_cast<size_t>(perm[i])]});
  }
  CopyElements(walk, ElementBytes(output), input.raw(), output.mutable_raw());
  return Ok();
}

// ---------------------------------------------------------------------------------------------- Tile

Status InferTile(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "input"));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "repeats", {DType::kInt64}));
  const Shape* input = context.shape(0);
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "repeats", input ? input->rank() : kUnknown));
  OCTAVO_ASSIGN_OR_RETURN(const auto repeats, context.Integers(1));
  if (repeats) {
    for (int64_t repeat : *repeats) {
      if (repeat < 0) return Error(Code::kInvalidModel, "repeats has %lld; allowed: 0 and above", LL(repeat));
    }
  }
  std::optional<Shape> out;
  if (input) {
    out = Shape::OfRank(input->rank(), kUnknown);
    for (int d = 0; repeats && d < input->rank(); ++d) {
      const int64_t repeat = (*repeats)[static_cast<size_t>(d)], dim = (*input)[d];
      if (dim == kUnknown) continue;
      if (!CheckedMul(dim, repeat, &(*out)[d])) {
        return Error(Code::kLimit, "%lld repeats of dimension %lld are too many", LL(repeat), LL(dim));
      }
    }
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status EvaluateTile(EvalContext& context) {
  const Tensor& input = context.input(0);
  Tensor& output = context.output(0);
  if (output.elements() == 0) return Ok();
  const auto from = DenseStrides(input.shape()), to = DenseStrides(output.shape());
  Walk walk;
  for (int d = 0; d < input.shape().rank(); ++d) {
    const size_t i = static_cast<size_t>(d);
    const int64_t dim = input.shape()[d];
    walk.AddDim(output.shape()[d] / dim, {to[i] * dim, 0});
    walk.AddDim(dim, {to[i], from[i]});
  }
  CopyElements(walk, ElementBytes(output), input.raw(), output.mutable_raw());
  return Ok();
}

// ---------------------------------------------------------------------------------------------- DepthToSpace,
// SpaceToDepth

// The block size, checked; and whether channels are the outermost part of depth (CRD).
struct Blocks {
  int64_t size = 1;
  bool channels_first = false;
};

Result<Blocks> BlocksOf(const NodeReader& node) {
  Blocks blocks;
  blocks.size = node.Int("blocksize", 0);
  // Its square has to be exact.
  if (blocks.size < 1 || blocks.size > (int64_t{1} << 31)) {
    return Error(Code::kInvalidModel, "blocksize is %lld; allowed: 1 to 2^31", LL(blocks.size));
  }
  const std::string mode = node.String("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") {
    return Error(Code::kInvalidModel, "mode is \"%s\"; allowed: DCR, CRD", Printable(mode).c_str());
  }
  blocks.channels_first = mode == "CRD";
  return blocks;
}

Status DivideDim(const char* what, int64_t dim, int64_t by, int64_t* out) {
  *out = kUnknown;
  if (dim == kUnknown) return Ok();
  if (dim % by != 0) return Error(Code::kInvalidModel, "%s %lld is not a multiple of %lld", what, LL(dim), LL(by));
  *out = dim / by;
  return Ok();
}

Status MultiplyDim(const char* what, int64_t dim, int64_t by, int64_t* out) {
  *out = kUnknown;
  if (dim == kUnknown || CheckedMul(dim, by, out)) return Ok();
  return Error(Code::kLimit, "%s %lld times %lld is too large", what, LL(dim), LL(by));
}

Status InferBlocks(InferContext& context, bool to_space) {
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "input"));
  OCTAVO_RETURN_IF_ERROR(CheckRank(context, 0, "input", 4));
  OCTAVO_ASSIGN_OR_RETURN(const Blocks blocks, BlocksOf(context));
  Shape out = Shape::OfRank(4, kUnknown);
  if (const Shape* input = context.shape(0)) {
    const auto depth = to_space ? DivideDim : MultiplyDim, space = to_space ? MultiplyDim : DivideDim;
    out[0] = (*input)[0];
    OCTAVO_RETURN_IF_ERROR(depth("depth", (*input)[1], blocks.size * blocks.size, &out[1]));
    OCTAVO_RETURN_IF_ERROR(space("height", (*input)[2], blocks.size, &out[2]));
    OCTAVO_RETURN_IF_ERROR(space("width", (*input)[3], blocks.size, &out[3]));
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status InferDepthToSpace(InferContext& context) { return InferBlocks(context, true); }
Status InferSpaceToDepth(InferContext& context) { return InferBlocks(context, false); }

// Depth is [block row, block column, channel] (DCR) or [channel, block row, block column] (CRD); `deep` has it in its
// axis 1, `wide` has the blocks in its axes 2 and 3.
Status EvaluateBlocks(EvalContext& context, bool to_space) {
  const Tensor &input = context.input(0), &output = context.output(0);
  OCTAVO_ASSIGN_OR_RETURN(const Blocks blocks, BlocksOf(context));
  if (output.elements() == 0) return Ok();
  const Shape &deep = to_space ? input.shape() : output.shape(), &wide = to_space ? output.shape() : input.shape();
  const int64_t batch = wide[0], channels = wide[1], height = deep[2], width = deep[3], size = blocks.size;
  const auto d = DenseStrides(deep), w = DenseStrides(wide);
  const int64_t channel = blocks.channels_first ? d[1] * size * size : d[1];
  const int64_t block_column = blocks.channels_first ? d[1] : d[1] * channels;
  const int64_t block_row = block_column * size;
  Walk walk;  // operand 0 is the output
  const auto add = [&](int64_t count, int64_t in_deep, int64_t in_wide) {
    walk.AddDim(count, {to_space ? in_wide : in_deep, to_space ? in_deep : in_wide});
  };
  add(batch, d[0], w[0]);
  add(channels, channel, w[1]);
  add(height, d[2], w[2] * size);
  add(size, block_row, w[2]);
  add(width, d[3], size);
  add(size, block_column, 1);
  CopyElements(walk, ElementBytes(output), input.raw(), context.output(0).mutable_raw());
  return Ok();
}

Status EvaluateDepthToSpace(EvalContext& context) { return EvaluateBlocks(context, true); }
Status EvaluateSpaceToDepth(EvalContext& context) { return EvaluateBlocks(context, false); }

// ---------------------------------------------------------------------------------------------- Trilu

Status InferTrilu(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "input"));
  if (context.has_input(1)) {
    OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "k", {DType::kInt64}));
    OCTAVO_RETURN_IF_ERROR(CheckScalar(context, 1, "k"));
  }
  const Shape* input = context.shape(0);
  if (input && input->rank() < 2) {
    return Error(Code::kInvalidModel, "input has shape %s; its rank must be 2 or more", input->ToString().c_str());
  }
  context.SetOutput(0, context.dtype(0), input ? std::optional(*input) : std::nullopt);
  return Ok();
}

Status EvaluateTrilu(EvalContext& context) {
  const Tensor& input = context.input(0);
  Tensor& output = context.output(0);
  if (output.elements() == 0) return Ok();
  const Shape& shape = output.shape();
  const int64_t rows = shape[shape.rank() - 2], columns = shape[shape.rank() - 1];
  const int64_t wanted = context.has_input(1) ? context.input(1).data<int64_t>()[0] : 0;
  const int64_t k = std::clamp(wanted, -rows, columns);  // beyond that nothing changes any more
  const bool upper = context.Int("upper", 1) != 0;
  const size_t bytes = ElementBytes(output);
  const auto* from = static_cast<const std::byte*>(input.raw());
  auto* to = static_cast<std::byte*>(output.mutable_raw());
  std::memset(to, 0, output.bytes());
  for (int64_t row = 0; row < shape.Elements(0, shape.rank() - 1); ++row) {
    const int64_t diagonal = row % rows + k;
    const int64_t begin = upper ? std::clamp(diagonal, int64_t{0}, columns) : 0;
    const int64_t end = upper ? columns : std::clamp(diagonal + 1, int64_t{0}, columns);
    const size_t offset = static_cast<size_t>(row * columns + begin) * bytes;
    std::memcpy(to + offset, from + offset, static_cast<size_t>(end - begin) * bytes);
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- ReverseSequence

Status InferReverseSequence(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "input"));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "sequence_lens", {DType::kInt64}));
  const int64_t batch_axis = context.Int("batch_axis", 1), time_axis = context.Int("time_axis", 0);
  if (batch_axis + time_axis != 1 || (batch_axis != 0 && time_axis != 0)) {
    return Error(Code::kInvalidModel, "batch_axis is %lld, time_axis %lld; allowed: one is 0, the other 1",
                 LL(batch_axis), LL(time_axis));
  }
  const Shape* input = context.shape(0);
  if (input && input->rank() < 2) {
    return Error(Code::kInvalidModel, "input has shape %s; its rank must be 2 or more", input->ToString().c_str());
  }
  OCTAVO_RETURN_IF_ERROR(
      CheckVector(context, 1, "sequence_lens", input ? (*input)[static_cast<int>(batch_axis)] : kUnknown));
  context.SetOutput(0, context.dtype(0), input ? std::optional(*input) : std::nullopt);
  return Ok();
}

Status EvaluateReverseSequence(EvalContext& context) {
  const Tensor& input = context.input(0);
  Tensor& output = context.output(0);
  const Shape& shape = input.shape();
  const int batch_axis = static_cast<int>(context.Int("batch_axis", 1)), time_axis = 1 - batch_axis;
  const int64_t times = shape[time_axis];
  const auto lengths = context.input(1).data<int64_t>();
  for (size_t b = 0; b < lengths.size(); ++b) {
    if (lengths[b] < 0 || lengths[b] > times) {
      return Error(Code::kInvalidArgument, "sequence_lens[%zu] is %lld; allowed: 0 to %lld", b, LL(lengths[b]),
                   LL(times));
    }
  }
  if (output.elements() == 0) return Ok();
  const size_t run = static_cast<size_t>(shape.Elements(2, shape.rank())) * ElementBytes(input);
  const auto strides = DenseStrides(Shape{shape[0], shape[1]});
  for (int64_t b = 0; b < shape[batch_axis]; ++b) {
    const int64_t length = lengths[static_cast<size_t>(b)];
    for (int64_t t = 0; t < times; ++t) {
      const auto at = [&](int64_t time) {
        return static_cast<size_t>(b * strides[static_cast<size_t>(batch_axis)] +
                                   time * strides[static_cast<size_t>(time_axis)]) *
               run;
      };
      std::memcpy(static_cast<std::byte*>(output.mutable_raw()) + at(t),
                  static_cast<const std::byte*>(input.raw()) + at(t < length ? length - 1 - t : t), run);
    }
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- rows

using InferRule = Status (*)(InferContext&);
using EvaluateRule = Status (*)(EvalContext&);
using AttributeSpecs = std::span<const AttributeSpec>;

constexpr Operator Move(const char* name, int since, int min_inputs, int max_inputs, InferRule infer,
                        EvaluateRule evaluate, AttributeSpecs attributes) {
  Operator row;
  row.name = name;
  row.since = since;
  row.min_inputs = min_inputs;
  row.max_inputs = max_inputs;
  row.attributes = attributes;
  row.infer = infer;
  row.evaluate = evaluate;
  row.quant = QuantRule::kMove;
  row.lowering = Lowering::kMove;
  return row;
}

// Brings zeros into the result: of 8-bit values the zero point would have to take their place.
constexpr Operator AddsZeros(Operator row) {
  row.quant = QuantRule::kNone;
  row.lowering = Lowering::kReference;
  row.why_float = "No 8-bit form of it is implemented.";
  return row;
}

constexpr Operator ConcatRow(AttributeSpecs attributes) {
  Operator row = Move("Concat", 7, 1, kVariadic, InferConcat, EvaluateConcat, attributes);
  row.quant = QuantRule::kJoin;
  row.lowering = Lowering::kConcat;
  return row;
}

constexpr Operator SplitRow(AttributeSpecs attributes) {
  Operator row = Move("Split", 7, 1, 2, InferSplit, EvaluateSplit, attributes);
  row.max_outputs = kVariadic;
  return row;
}

constexpr AttributeSpec kAxis[] = {{"axis", AttributeType::kInt, true}};
constexpr AttributeSpec kSplit[] = {
    {"axis", AttributeType::kInt}, {"split", AttributeType::kInts}, {"num_outputs", AttributeType::kInt}};
constexpr AttributeSpec kSlice[] = {
    {"starts", AttributeType::kInts}, {"ends", AttributeType::kInts}, {"axes", AttributeType::kInts}};
constexpr AttributeSpec kPerm[] = {{"perm", AttributeType::kInts}};
constexpr AttributeSpec kPad[] = {
    {"mode", AttributeType::kString}, {"pads", AttributeType::kInts}, {"value", AttributeType::kFloat}};
constexpr AttributeSpec kAxes[] = {{"axes", AttributeType::kInts}};
constexpr AttributeSpec kBlocks[] = {{"blocksize", AttributeType::kInt, true}, {"mode", AttributeType::kString}};
constexpr AttributeSpec kUpper[] = {{"upper", AttributeType::kInt}};
constexpr AttributeSpec kSequence[] = {{"batch_axis", AttributeType::kInt}, {"time_axis", AttributeType::kInt}};

constexpr Operator kRows[] = {
    ConcatRow(kAxis),
    SplitRow(kSplit),
    Move("Slice", 7, 1, 5, InferSlice, EvaluateSlice, kSlice),
    Move("Transpose", 7, 1, 1, InferTranspose, EvaluateTranspose, kPerm),
    Move("Tile", 7, 2, 2, InferTile, EvaluateTile, {}),
    // Of 8-bit values only if the constant is 0: the zero point takes its place.
    Move("Pad", 7, 1, 4, InferPad, EvaluatePad, kPad),
    AddsZeros(Move("CenterCropPad", 18, 2, 2, InferCenterCropPad, EvaluateCenterCropPad, kAxes)),
    Move("DepthToSpace", 7, 1, 1, InferDepthToSpace, EvaluateDepthToSpace, kBlocks),
    Move("SpaceToDepth", 7, 1, 1, InferSpaceToDepth, EvaluateSpaceToDepth, kBlocks),
    AddsZeros(Move("Trilu", 14, 1, 2, InferTrilu, EvaluateTrilu, kUpper)),
    Move("ReverseSequence", 10, 2, 2, InferReverseSequence, EvaluateReverseSequence, kSequence),
};

}  // namespace

std::span<const Operator> MoveOperators() { return kRows; }

}  // namespace octavo
