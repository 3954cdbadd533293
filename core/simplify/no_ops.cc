#include <algorithm>
#include <numeric>
#include <utility>

#include "core/simplify/match.h"
#include "core/simplify/passes.h"

namespace octavo {
namespace {

bool All(const std::optional<std::vector<int64_t>>& list, int64_t number) {
  return list && std::all_of(list->begin(), list->end(), [&](int64_t x) { return x == number; });
}

// Only names dimensions anew: elements and their order stay.
bool IsReshape(const Node& node) {
  return Is(node, "Reshape") || Is(node, "Flatten") || Is(node, "Squeeze") || Is(node, "Unsqueeze");
}

// Whether two values of equally many elements surely have the same dimensions: all known, or all but one in the same
// place, which the number of elements then decides.
bool SameDimensions(const Editor& editor, ValueId a, ValueId b) {
  if (!SameRank(editor, a, b)) return false;
  const Shape &x = *editor.value(a).shape, &y = *editor.value(b).shape;
  int free = 0;
  bool empty = false;
  for (int i = 0; i < x.rank(); ++i) {
    if (x[i] != y[i]) return false;
    free += x[i] == Shape::kUnknown;
    empty = empty || x[i] == 0;
  }
  return free == 0 || (free == 1 && !empty);
}

bool SameKnownShape(const Editor& editor, ValueId a, ValueId b) {
  const Shape *x = editor.KnownShape(a), *y = editor.KnownShape(b);
  return x && y && *x == *y;
}

std::vector<int64_t> Permutation(const Editor& editor, const Node& transpose) {
  std::vector<int64_t> perm = NodeReader(transpose, editor.opset()).Ints("perm");
  if (perm.empty()) {
    perm.resize(static_cast<size_t>(editor.value(transpose.inputs[0]).shape->rank()));
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  return perm;
}

bool IsTranspose(const Editor& editor, const Node* node) {
  return node && Is(*node, "Transpose") && editor.value(node->inputs[0]).shape;
}

// Moves dimensions of size 1 only, so that the elements keep their order.
bool KeepsOrder(const Editor& editor, const Node& transpose) {
  const Shape& shape = *editor.value(transpose.inputs[0]).shape;
  int64_t last = -1;
  for (int64_t axis : Permutation(editor, transpose)) {
    if (shape[static_cast<int>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

bool IsNumber(const Editor& editor, ValueId v, double number) {
  const Tensor* tensor = editor.Constant(v);
  if (!tensor || tensor->elements() != 1) return false;
  if (IsFloating(tensor->dtype())) return ScalarOf(editor, v) == number;
  const auto list = tensor->shape().rank() <= 1 ? IntegersOf(editor, v) : std::nullopt;
  return list && static_cast<double>((*list)[0]) == number;
}

// The input that the node hands on unchanged, or -1.
int PassesOn(const Editor& editor, const Node& node) {
  const ValueId in = node.inputs.empty() ? kNoValue : node.inputs[0], out = node.outputs[0];
  if (in == kNoValue || out == kNoValue) return -1;
  const NodeReader reader(node, editor.opset());
  if (Is(node, "Identity")) return 0;
  if (Is(node, "Dropout")) {
    const bool mask = node.outputs.size() > 1 && node.outputs[1] != kNoValue && !editor.Unused(node.outputs[1]);
    const Tensor* training = node.has_input(2) ? editor.Constant(node.inputs[2]) : nullptr;
    const bool inference = !node.has_input(2) || (training && training->elements() == 1 && !training->data<bool>()[0]);
    return inference && !mask ? 0 : -1;
  }
  if (Is(node, "Cast") || Is(node, "CastLike")) return editor.value(in).dtype == editor.value(out).dtype ? 0 : -1;
  if (IsReshape(node)) return SameDimensions(editor, in, out) ? 0 : -1;
  if (Is(node, "Expand") || Is(node, "Tile")) return SameKnownShape(editor, in, out) ? 0 : -1;
  if (Is(node, "Slice")) {
    const bool steps = !node.has_input(4) || All(IntegersOf(editor, node.inputs[4]), 1);
    return steps && SameKnownShape(editor, in, out) ? 0 : -1;
  }
  if (Is(node, "Pad")) {
    const bool none = node.has_input(1) ? All(IntegersOf(editor, node.inputs[1]), 0)
                                        : reader.has_attribute("pads") && All(reader.Ints("pads"), 0);
    return none ? 0 : -1;
  }
  if (Is(node, "Transpose") && editor.value(in).shape) {
    const std::vector<int64_t> perm = Permutation(editor, node);
    return std::is_sorted(perm.begin(), perm.end()) ? 0 : -1;
  }
  const bool joins = Is(node, "Concat") || Is(node, "Sum") || Is(node, "Max") || Is(node, "Min") || Is(node, "Mean");
  if (joins) return node.inputs.size() == 1 ? 0 : -1;
  // Neutral numbers. Not x + 0 in floating point: it turns -0 into 0.
  if (node.inputs.size() != 2) return -1;
  const auto neutral = [&](size_t i, double number) {
    return IsNumber(editor, node.inputs[i], number) && SameRank(editor, node.inputs[1 - i], out);
  };
  if (Is(node, "Mul")) return neutral(1, 1) ? 0 : neutral(0, 1) ? 1 : -1;
  if (Is(node, "Div")) return neutral(1, 1) ? 0 : -1;
  if (Is(node, "Sub")) return neutral(1, 0) ? 0 : -1;
  if (Is(node, "Add") && IsInteger(editor.value(out).dtype)) return neutral(1, 0) ? 0 : neutral(0, 0) ? 1 : -1;
  return -1;
}

// Transposition after transposition is one; none, if it leads back.
void JoinTransposes(Editor& editor, NodeId n) {
  const Node& node = editor.node(n);
  const Node* above = editor.Maker(node.inputs[0], "Transpose");
  if (!IsTranspose(editor, &node) || !IsTranspose(editor, above)) return;
  const std::vector<int64_t> first = Permutation(editor, *above), second = Permutation(editor, node);
  std::vector<int64_t> both;
  for (int64_t axis : second) both.push_back(first[static_cast<size_t>(axis)]);
  // Otherwise both would still be there.
  if (!editor.ReadOnce(node.inputs[0]) && !std::is_sorted(both.begin(), both.end())) return;
  const ValueId source = above->inputs[0];
  editor.SetAttribute(n, "perm", std::move(both));
  editor.SetInput(n, 0, source);
}

// A Reshape need not look through what keeps the order of elements, if no dimension is copied from its input.
void JoinReshapes(Editor& editor, NodeId n) {
  const Node& node = editor.node(n);
  if (!IsReshape(node)) return;
  const ValueId in = node.inputs[0];
  const NodeId producer = editor.Producer(in);
  if (producer == kNoNode) return;
  const Node& above = editor.node(producer);
  const bool plain = IsReshape(above) || (IsTranspose(editor, &above) && KeepsOrder(editor, above));
  if (!plain || above.inputs[0] == kNoValue) return;
  const ValueId source = above.inputs[0], out = node.outputs[0];
  if (!editor.IsOutput(out) && SameDimensions(editor, source, out)) {
    editor.ReplaceReads(out, source);
    editor.Remove(n);
    return;
  }
  if (!Is(node, "Reshape")) return;
  const auto target = IntegersOf(editor, node.inputs[1]);
  if (target && std::find(target->begin(), target->end(), 0) == target->end()) editor.SetInput(n, 0, source);
}

}  // namespace

Status RemoveNoOps(Editor& editor) {
  for (NodeId n = 0; n < editor.nodes(); ++n) {
    if (!editor.alive(n)) continue;
    if (Is(editor.node(n), "Transpose")) JoinTransposes(editor, n);
    JoinReshapes(editor, n);
    if (!editor.alive(n)) continue;
    const int input = PassesOn(editor, editor.node(n));
    if (input >= 0) editor.Bypass(n, static_cast<size_t>(input));
  }
  editor.RemoveDead();
  return Ok();
}

}  // namespace octavo
