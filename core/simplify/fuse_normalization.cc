#include <utility>
#include <vector>

#include "core/simplify/match.h"
#include "core/simplify/passes.h"

namespace octavo {
namespace {

// The mean over trailing axes, kept: input and first axis; input is kNoValue if v is no such thing.
struct Mean {
  ValueId input = kNoValue;
  int axis = 0;
};

Mean TrailingMean(const Editor& editor, ValueId v) {
  const Node* node = editor.Maker(v, "ReduceMean");
  if (!node || NodeReader(*node, editor.opset()).Int("keepdims", 1) == 0) return {};
  const auto axes = ReductionAxes(editor, *node);
  if (!axes || axes->empty()) return {};
  const int rank = editor.value(node->inputs[0]).shape->rank();
  for (size_t i = 0; i < axes->size(); ++i) {
    if ((*axes)[i] != rank - static_cast<int>(axes->size() - i)) return {};
  }
  return {node->inputs[0], axes->front()};
}

// x - mean(x)
bool IsCentered(const Editor& editor, ValueId v, Mean* mean) {
  const Node* difference = editor.Maker(v, "Sub");
  if (!difference) return false;
  *mean = TrailingMean(editor, difference->inputs[1]);
  return mean->input != kNoValue && mean->input == difference->inputs[0];
}

struct Normalized {
  Mean of;
  double epsilon = 0;
};

// (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)
std::optional<Normalized> AsNormalized(const Editor& editor, ValueId v) {
  Normalized result;
  const Node* quotient = editor.Maker(v, "Div");
  if (!quotient || !IsCentered(editor, quotient->inputs[0], &result.of)) return std::nullopt;
  const auto variance = WithNumber(editor, Under(editor, quotient->inputs[1], "Sqrt"), "Add");
  if (!variance || variance->number <= 0) return std::nullopt;
  result.epsilon = variance->number;
  const Mean squares = TrailingMean(editor, variance->input);
  if (squares.input == kNoValue || squares.axis != result.of.axis) return std::nullopt;
  ValueId base = kNoValue;
  if (const Node* power = editor.Maker(squares.input, "Pow")) {
    if (IsScalar(editor, power->inputs[1], 2)) base = power->inputs[0];
  } else if (const Node* product = editor.Maker(squares.input, "Mul")) {
    if (product->inputs[0] == product->inputs[1]) base = product->inputs[0];
  }
  Mean again;
  const bool same = base == quotient->inputs[0] || (base != kNoValue && IsCentered(editor, base, &again) &&
                                                    again.input == result.of.input && again.axis == result.of.axis);
  return same ? std::optional(result) : std::nullopt;
}

// A constant with exactly the trailing dimensions of x.
bool IsParameter(const Editor& editor, ValueId v, const Mean& of) {
  const Tensor* tensor = editor.Constant(v);
  const Shape& shape = *editor.value(of.input).shape;
  if (!tensor || tensor->shape().rank() != shape.rank() - of.axis) return false;
  for (int i = 0; i < tensor->shape().rank(); ++i) {
    if (tensor->shape()[i] != shape[of.axis + i]) return false;
  }
  return true;
}

struct Scaled {
  Normalized normalized;
  ValueId scale = kNoValue;
};

std::optional<Scaled> AsScaled(const Editor& editor, ValueId v) {
  const Node* product = editor.Maker(v, "Mul");
  for (size_t i = 0; product && i < 2; ++i) {
    const std::optional<Normalized> normalized = AsNormalized(editor, product->inputs[i]);
    const ValueId scale = product->inputs[1 - i];
    if (normalized && IsParameter(editor, scale, normalized->of)) return Scaled{*normalized, scale};
  }
  return std::nullopt;
}

void Replace(Editor& editor, NodeId n, const Scaled& scaled, ValueId bias) {
  std::vector<ValueId> inputs = {scaled.normalized.of.input, scaled.scale};
  if (bias != kNoValue) inputs.push_back(bias);
  editor.Replace(n, "LayerNormalization", std::move(inputs),
                 {{"axis", static_cast<int64_t>(scaled.normalized.of.axis)},
                  {"epsilon", static_cast<float>(scaled.normalized.epsilon)}});
}

}  // namespace

Status FuseNormalization(Editor& editor) {
  if (!editor.Has("LayerNormalization")) return Ok();
  const NodeId nodes = static_cast<NodeId>(editor.nodes());
  // From the end, so that an Add of a bias comes before the Mul it needs.
  for (NodeId n = nodes; n-- > 0;) {
    if (!editor.alive(n) || editor.node(n).outputs[0] == kNoValue) continue;
    const Node& node = editor.node(n);
    if (editor.value(node.outputs[0]).dtype != DType::kFloat) continue;
    for (size_t i = 0; Is(node, "Add") && i < 2; ++i) {
      const ValueId bias = node.inputs[1 - i];
      const std::optional<Scaled> scaled = AsScaled(editor, node.inputs[i]);
      if (!scaled || !IsParameter(editor, bias, scaled->normalized.of)) continue;
      Replace(editor, n, *scaled, bias);
      break;
    }
    if (Is(node, "Mul")) {
      if (const std::optional<Scaled> scaled = AsScaled(editor, node.outputs[0])) {
        Replace(editor, n, *scaled, kNoValue);
      }
    }
  }
  return Ok();
}

}  // namespace octavo
