#include "core/simplify/dimensions.h"

#include <algorithm>
#include <initializer_list>

#include "core/simplify/match.h"

namespace octavo {
namespace {

bool IsOneOf(const Node& node, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return Is(node, name); });
}

// The output has the shape of input 0.
bool KeepsShape(const Node& node) {
  switch (node.op->lowering) {
    case Lowering::kUnary:
    case Lowering::kSoftmax:
    case Lowering::kQuantize:
    case Lowering::kDequantize:
      return true;
    default:
      break;
  }
  return IsOneOf(node, {"Identity",
                        "Dropout",
                        "Cast",
                        "CastLike",
                        "BatchNormalization",
                        "InstanceNormalization",
                        "LayerNormalization",
                        "GroupNormalization",
                        "RMSNormalization",
                        "LpNormalization",
                        "LRN",
                        "CumSum",
                        "Trilu",
                        "Sqrt",
                        "Exp",
                        "Log",
                        "Reciprocal",
                        "Sin",
                        "Cos",
                        "Not",
                        "Sign"});
}

bool Broadcasts(const Node& node) {
  return node.op->lowering == Lowering::kBinary ||
         IsOneOf(node, {"Pow", "Where", "Min", "Max", "Sum", "Mean", "Mod", "Equal", "Less", "Greater", "LessOrEqual",
                        "GreaterOrEqual", "And", "Or"});
}

}  // namespace

Dimension Dimensions::Of(ValueId v, int axis) const {
  const std::vector<Dimension>& list = known_[v];
  const Dimension own{v, axis};
  return list.empty() || list[static_cast<size_t>(axis)].of == kNoValue ? own : list[static_cast<size_t>(axis)];
}

void Dimensions::Set(ValueId v, int axis, Dimension dimension) {
  const int rank = Rank(v);
  if (axis < 0 || axis >= rank) return;
  known_[v].resize(static_cast<size_t>(rank));
  known_[v][static_cast<size_t>(axis)] = dimension;
}

// Both have the same axes, but for those that `from` has more and that are left out.
void Dimensions::CopyAllBut(const std::vector<int>& axes, ValueId to, ValueId from) {
  const bool same_rank = Rank(from) == Rank(to);
  if (!same_rank && Rank(from) - static_cast<int>(axes.size()) != Rank(to)) return;
  int at = 0;
  for (int i = 0; i < Rank(from); ++i) {
    const bool left_out = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (!left_out) Copy(to, at, from, i);
    at += same_rank || !left_out;
  }
}

void Dimensions::Broadcast(const Node& node, int from_last) {
  const ValueId out = node.outputs[0];
  Dimension found;
  for (ValueId v : node.inputs) {
    if (v == kNoValue || Rank(v) < from_last) continue;
    const int axis = Rank(v) - from_last;
    const int64_t size = (*editor_.value(v).shape)[axis];
    if (size == 1) continue;
    const Dimension dimension = Of(v, axis);
    if (size != Shape::kUnknown || (found.of != kNoValue && !(found == dimension))) return;
    found = dimension;
  }
  if (found.of != kNoValue) Set(out, Rank(out) - from_last, found);
}

void Dimensions::Visit(const Node& node) {
  if (node.inputs.empty() || node.inputs[0] == kNoValue || node.outputs[0] == kNoValue) return;
  const ValueId in = node.inputs[0], out = node.outputs[0];
  const int rank = Rank(in), out_rank = Rank(out);
  if (rank < 0 || out_rank < 0) return;
  const NodeReader reader(node, editor_.opset());

  if (KeepsShape(node)) return CopyAllBut({}, out, in);
  if (Broadcasts(node)) {
    for (int i = 1; i <= out_rank; ++i) Broadcast(node, i);
    return;
  }
  if (Is(node, "MatMul")) {
    const ValueId right = node.inputs[1];
    if (rank < 2 || Rank(right) < 2) return;
    Copy(out, out_rank - 2, in, rank - 2);
    Copy(out, out_rank - 1, right, Rank(right) - 1);
    for (int i = 3; i <= out_rank; ++i) Broadcast(node, i);
    return;
  }
  if (Is(node, "Transpose")) {
    std::vector<int64_t> perm = reader.Ints("perm");
    for (int i = 0; i < rank; ++i) {
      Copy(out, i, in, perm.empty() ? rank - 1 - i : static_cast<int>(perm[static_cast<size_t>(i)]));
    }
    return;
  }
  if (Is(node, "Flatten")) {
    if (reader.Int("axis", 1) == 1 && rank > 0) Copy(out, 0, in, 0);
    return;
  }
  if (Is(node, "Reshape")) {
    const auto target = IntegersOf(editor_, node.inputs[1]);
    const bool zero_copies = reader.Int("allowzero", 0) == 0;
    for (size_t i = 0; target && zero_copies && i < target->size(); ++i) {
      if ((*target)[i] == 0) Copy(out, static_cast<int>(i), in, static_cast<int>(i));
    }
    return;
  }
  if (Is(node, "Gather")) {  // dimensions of the indices stand in place of the axis
    const int indices = Rank(node.inputs[1]), axis = static_cast<int>(reader.Int("axis", 0));
    const int at = axis < 0 ? axis + rank : axis;
    if (indices < 0) return;
    for (int i = 0; i < rank; ++i) {
      if (i != at) Copy(out, i < at ? i : i - 1 + indices, in, i);
    }
    for (int i = 0; i < indices; ++i) Copy(out, at + i, node.inputs[1], i);
    return;
  }
  if (Is(node, "Squeeze") || node.op->lowering == Lowering::kReduce) {
    const auto axes = ReductionAxes(editor_, node);
    if (axes && (!axes->empty() || out_rank == rank)) CopyAllBut(*axes, out, in);
    return;
  }
  if (Is(node, "Unsqueeze")) {
    const auto list = node.has_input(1) ? IntegersOf(editor_, node.inputs[1]) : reader.Ints("axes");
    if (!list) return;
    int from = 0;
    for (int i = 0; i < out_rank; ++i) {
      const bool fresh =
          std::any_of(list->begin(), list->end(), [&](int64_t axis) { return axis == i || axis + out_rank == i; });
      if (!fresh && from < rank) Copy(out, i, in, from++);
    }
    return;
  }
  if (Is(node, "Slice")) {
    std::vector<int64_t> axes = reader.Ints("axes");
    if (node.has_input(3)) {
      const auto list = IntegersOf(editor_, node.inputs[3]);
      if (!list) return;
      axes = *list;
    } else if (axes.empty()) {
      return;  // all of the first ones
    }
    std::vector<int> cut;
    for (int64_t axis : axes) cut.push_back(static_cast<int>(axis < 0 ? axis + rank : axis));
    return CopyAllBut(cut, out, in);
  }
  if (Is(node, "Split")) {
    const int64_t axis = reader.Int("axis", 0);
    for (ValueId part : node.outputs) {
      if (part != kNoValue) CopyAllBut({static_cast<int>(axis < 0 ? axis + rank : axis)}, part, in);
    }
    return;
  }
  switch (node.op->lowering) {
    case Lowering::kConv:
    case Lowering::kPool:
    case Lowering::kGlobalPool:
      return Copy(out, 0, in, 0);
    case Lowering::kGemm:
      if (reader.Int("transA", 0) == 0) Copy(out, 0, in, 0);
      return;
    case Lowering::kConcat: {
      const int64_t axis = reader.Int("axis", 0);
      return CopyAllBut({static_cast<int>(axis < 0 ? axis + rank : axis)}, out, in);
    }
    default:
      return;
  }
}

}  // namespace octavo
