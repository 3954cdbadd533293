#include "core/simplify/match.h"

#include <algorithm>
#include <cmath>

namespace octavo {

std::optional<double> ScalarOf(const Editor& editor, ValueId v) {
  const Tensor* tensor = editor.Constant(v);
  if (!tensor || tensor->elements() != 1) return std::nullopt;
  switch (tensor->dtype()) {
    case DType::kFloat:
      return tensor->data<float>()[0];
    case DType::kDouble:
      return tensor->data<double>()[0];
    case DType::kFloat16:
      return static_cast<float>(tensor->data<Half>()[0]);
    case DType::kBFloat16:
      return static_cast<float>(tensor->data<BFloat16>()[0]);
    default:
      return std::nullopt;
  }
}

bool IsScalar(const Editor& editor, ValueId v, double number) {
  const std::optional<double> scalar = ScalarOf(editor, v);
  return scalar && std::abs(*scalar - number) <= 1e-6 * std::abs(number);
}

ValueId OtherInput(const Node& node, ValueId v) {
  if (node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) return kNoValue;
  return node.inputs[0] == v ? node.inputs[1] : node.inputs[1] == v ? node.inputs[0] : kNoValue;
}

std::optional<ScaledInput> WithNumber(const Editor& editor, const Node& node, const char* op_type) {
  if (!Is(node, op_type) || node.inputs.size() != 2) return std::nullopt;
  const bool commutes = !Is(node, "Sub") && !Is(node, "Div") && !Is(node, "Pow");
  for (size_t i : {size_t{1}, size_t{0}}) {
    const std::optional<double> number = ScalarOf(editor, node.inputs[i]);
    const ValueId input = node.inputs[1 - i];
    if (number && !editor.Constant(input) && SameRank(editor, input, node.outputs[0]))
      return ScaledInput{input, *number};
    if (!commutes) break;
  }
  return std::nullopt;
}

std::optional<ScaledInput> WithNumber(const Editor& editor, ValueId v, const char* op_type) {
  const Node* node = editor.Maker(v, op_type);
  return node ? WithNumber(editor, *node, op_type) : std::nullopt;
}

ValueId Under(const Editor& editor, ValueId v, const char* op_type) {
  const Node* node = editor.Maker(v, op_type);
  return node && node->inputs.size() == 1 ? node->inputs[0] : kNoValue;
}

bool SameRank(const Editor& editor, ValueId a, ValueId b) {
  const auto &x = editor.value(a).shape, &y = editor.value(b).shape;
  return x && y && x->rank() == y->rank();
}

std::optional<std::vector<int>> ReductionAxes(const Editor& editor, const Node& node) {
  const NodeReader reader(node, editor.opset());
  const auto& shape = editor.value(node.inputs[0]).shape;
  if (!shape) return std::nullopt;
  std::vector<int64_t> axes = reader.Ints("axes");
  if (node.has_input(1)) {
    const auto list = IntegersOf(editor, node.inputs[1]);
    if (!list) return std::nullopt;
    axes = *list;
  }
  std::vector<int> result;
  for (int64_t axis : axes) {
    const Result<int> normal = NormalizeAxis(axis, shape->rank());
    if (!normal.ok()) return std::nullopt;
    result.push_back(*normal);
  }
  if (axes.empty()) {
    if (reader.Int("noop_with_empty_axes", 0) != 0) return result;
    for (int i = 0; i < shape->rank(); ++i) result.push_back(i);
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::optional<std::vector<int64_t>> IntegersOf(const Editor& editor, ValueId v) {
  const Tensor* tensor = editor.Constant(v);
  if (!tensor || tensor->shape().rank() > 1) return std::nullopt;
  size_t count = 0;
  const auto values = SmallIntegers(*tensor, &count);
  if (!values.ok()) return std::nullopt;
  return std::vector<int64_t>(values->begin(), values->begin() + static_cast<ptrdiff_t>(count));
}

}  // namespace octavo
