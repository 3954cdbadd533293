#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "core/simplify/match.h"
#include "core/simplify/passes.h"

namespace octavo {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// --- min, max, Relu and Clip are one thing

struct Bounds {
  ValueId input;
  double low, high;
};

double Unbounded(double number) {  // what old exporters write for "none"
  const double largest = std::numeric_limits<float>::max();
  return number >= largest ? kInfinity : number <= -largest ? -kInfinity : number;
}

std::optional<Bounds> AsBounds(const Editor& editor, const Node& node) {
  if (node.outputs[0] == kNoValue || editor.value(node.outputs[0]).dtype != DType::kFloat) return std::nullopt;
  if (Is(node, "Relu")) return Bounds{node.inputs[0], 0, kInfinity};
  if (const auto max = WithNumber(editor, node, "Max")) return Bounds{max->input, max->number, kInfinity};
  if (const auto min = WithNumber(editor, node, "Min")) return Bounds{min->input, -kInfinity, min->number};
  if (!Is(node, "Clip")) return std::nullopt;
  const NodeReader reader(node, editor.opset());
  Bounds bounds{node.inputs[0], reader.Float("min", -std::numeric_limits<float>::max()),
                reader.Float("max", std::numeric_limits<float>::max())};
  for (size_t i : {size_t{1}, size_t{2}}) {
    if (!node.has_input(i)) continue;
    const auto number = ScalarOf(editor, node.inputs[i]);
    if (!number) return std::nullopt;
    (i == 1 ? bounds.low : bounds.high) = *number;
  }
  bounds.low = Unbounded(bounds.low);
  bounds.high = Unbounded(bounds.high);
  return bounds.low <= bounds.high ? std::optional(bounds) : std::nullopt;
}

Status SetClip(Editor& editor, NodeId n, const Bounds& bounds) {
  const bool low = bounds.low != -kInfinity, high = bounds.high != kInfinity;
  const std::string name = editor.value(editor.node(n).outputs[0]).name;
  std::vector<ValueId> inputs = {bounds.input};
  std::vector<Attribute> attributes;
  const auto set = [&](const char* which, double number) -> Status {
    const float value = static_cast<float>(number);
    if (editor.opset() < 11) {
      attributes.push_back({which, value});
      return Ok();
    }
    OCTAVO_ASSIGN_OR_RETURN(inputs.emplace_back(),
                            editor.AddConstant<float>(name + "_" + which, Shape(), std::span(&value, 1)));
    return Ok();
  };
  if (low) OCTAVO_RETURN_IF_ERROR(set("min", bounds.low));
  if (high && !low && editor.opset() >= 11) inputs.push_back(kNoValue);
  if (high) OCTAVO_RETURN_IF_ERROR(set("max", bounds.high));
  editor.Replace(n, "Clip", std::move(inputs), std::move(attributes));
  return Ok();
}

Status FuseClip(Editor& editor, NodeId n) {
  const Node& node = editor.node(n);
  const std::optional<Bounds> outer = AsBounds(editor, node);
  if (!outer) return Ok();
  Bounds bounds = *outer;
  const NodeId above = editor.Producer(bounds.input);
  const std::optional<Bounds> inner =
      above != kNoNode && editor.ReadOnce(bounds.input) ? AsBounds(editor, editor.node(above)) : std::nullopt;
  if (inner) {
    bounds.input = inner->input;
    bounds.low = std::clamp(inner->low, outer->low, outer->high);
    bounds.high = std::clamp(inner->high, outer->low, outer->high);
  }
  if (bounds.low == 0 && bounds.high == kInfinity) {
    if (!Is(node, "Relu") || inner) editor.Replace(n, "Relu", {bounds.input}, {});
  } else if (inner || !Is(node, "Clip")) {
    return SetClip(editor, n, bounds);
  }
  return Ok();
}

// --- products of x and a function of x

// Clip(x + 3, 0, 6); its input, else kNoValue.
ValueId ClippedRamp(const Editor& editor, ValueId v) {
  const Node* clip = editor.Maker(v, "Clip");
  const std::optional<Bounds> bounds = clip ? AsBounds(editor, *clip) : std::nullopt;
  if (!bounds || bounds->low != 0 || bounds->high != 6) return kNoValue;
  const auto sum = WithNumber(editor, bounds->input, "Add");
  return sum && sum->number == 3 ? sum->input : kNoValue;
}

// v / 6 in either spelling; v, else kNoValue.
ValueId Sixth(const Editor& editor, const Node& node) {
  if (const auto quotient = WithNumber(editor, node, "Div")) return quotient->number == 6 ? quotient->input : kNoValue;
  const auto product = WithNumber(editor, node, "Mul");
  return product && std::abs(product->number * 6 - 1) <= 1e-6 ? product->input : kNoValue;
}

bool IsSixthSigmoid(const Editor& editor, const Node* node) {
  if (!node) return false;
  const NodeReader reader(*node, editor.opset());
  return std::abs(reader.Float("alpha", 0.2f) * 6 - 1) <= 1e-6f && reader.Float("beta", 0.5f) == 0.5f;
}

void FuseHardForms(Editor& editor, NodeId n) {
  const Node& node = editor.node(n);
  const ValueId sixfold = Sixth(editor, node);
  if (sixfold != kNoValue) {
    // Clip(x + 3, 0, 6) / 6
    if (const ValueId x = ClippedRamp(editor, sixfold); x != kNoValue) {
      editor.Replace(n, "HardSigmoid", {x}, {{"alpha", 1.0f / 6}, {"beta", 0.5f}});
      return;
    }
    // x * Clip(x + 3, 0, 6) / 6
    const Node* product = editor.Has("HardSwish") ? editor.Maker(sixfold, "Mul") : nullptr;
    for (size_t i = 0; product && i < 2; ++i) {
      const ValueId x = product->inputs[i];
      if (ClippedRamp(editor, product->inputs[1 - i]) == x) return editor.Replace(n, "HardSwish", {x}, {});
    }
  }
  if (!Is(node, "Mul")) return;
  for (size_t i = 0; i < 2; ++i) {
    const ValueId x = node.inputs[i], function = node.inputs[1 - i];
    const Node* hard = editor.Maker(function, "HardSigmoid");
    if (editor.Has("HardSwish") && Under(editor, function, "HardSigmoid") == x && IsSixthSigmoid(editor, hard)) {
      return editor.Replace(n, "HardSwish", {x}, {});
    }
    if (editor.Has("Swish") && Under(editor, function, "Sigmoid") == x) return editor.Replace(n, "Swish", {x}, {});
    if (editor.Has("Mish") && Under(editor, Under(editor, function, "Tanh"), "Softplus") == x) {
      return editor.Replace(n, "Mish", {x}, {});
    }
  }
}

// 0.044715 x^3 + x, with x^3 as a power or as products.
bool IsCubic(const Editor& editor, ValueId v, ValueId x) {
  const Node* sum = editor.Maker(v, "Add");
  const auto cubic = sum ? WithNumber(editor, OtherInput(*sum, x), "Mul") : std::nullopt;
  if (!cubic || std::abs(cubic->number - 0.044715) > 1e-7) return false;
  if (const Node* power = editor.Maker(cubic->input, "Pow")) {
    return power->inputs[0] == x && IsScalar(editor, power->inputs[1], 3);
  }
  const Node* product = editor.Maker(cubic->input, "Mul");
  const Node* square = product ? editor.Maker(OtherInput(*product, x), "Mul") : nullptr;
  return square && square->inputs[0] == x && square->inputs[1] == x;
}

// Whether v is 1 + erf(x / sqrt(2)) or 1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)): what to call the GELU, else null.
const char* GeluFactor(const Editor& editor, ValueId v, ValueId x) {
  const auto sum = WithNumber(editor, v, "Add");
  if (!sum || sum->number != 1) return nullptr;
  if (const ValueId inside = Under(editor, sum->input, "Erf"); inside != kNoValue) {
    const auto quotient = WithNumber(editor, inside, "Div"), product = WithNumber(editor, inside, "Mul");
    const double factor = quotient ? 1 / quotient->number : product ? product->number : 0;
    const ValueId input = quotient ? quotient->input : product ? product->input : kNoValue;
    return input == x && std::abs(factor - std::sqrt(0.5)) <= 1e-6 ? "none" : nullptr;
  }
  if (const ValueId inside = Under(editor, sum->input, "Tanh"); inside != kNoValue) {
    const auto product = WithNumber(editor, inside, "Mul");
    const bool scaled = product && std::abs(product->number - 0.7978845608028654) <= 1e-6;
    return scaled && IsCubic(editor, product->input, x) ? "tanh" : nullptr;
  }
  return nullptr;
}

// The product of x, 1/2 and the factor above, multiplied in any order.
void FuseGelu(Editor& editor, NodeId n) {
  const Node& node = editor.node(n);
  if (!Is(node, "Mul") || !editor.Has("Gelu")) return;
  for (size_t i = 0; i < 2; ++i) {
    const Node* inner = editor.Maker(node.inputs[i], "Mul");
    if (!inner) continue;
    const ValueId factors[3] = {node.inputs[1 - i], inner->inputs[0], inner->inputs[1]};
    for (size_t half = 0; half < 3; ++half) {
      if (!IsScalar(editor, factors[half], 0.5)) continue;
      for (size_t k : {size_t{1}, size_t{2}}) {
        const ValueId x = factors[(half + k) % 3], factor = factors[(half + 3 - k) % 3];
        const char* kind = GeluFactor(editor, factor, x);
        if (!kind || !SameRank(editor, x, node.outputs[0])) continue;
        std::vector<Attribute> attributes;
        if (std::string(kind) != "none") attributes.push_back({"approximate", std::string(kind)});
        return editor.Replace(n, "Gelu", {x}, std::move(attributes));
      }
    }
  }
}

// --- other spellings of what can be quantized

// Forms that have an integer form elsewhere in the table.
Status Respell(Editor& editor, NodeId n) {
  const Node& node = editor.node(n);
  const ValueId out = node.outputs[0];
  if (out == kNoValue || editor.value(out).dtype != DType::kFloat) return Ok();
  if (Is(node, "PRelu")) {
    const auto slope = ScalarOf(editor, node.inputs[1]);
    if (slope && SameRank(editor, node.inputs[0], out)) {
      editor.Replace(n, "LeakyRelu", {node.inputs[0]}, {{"alpha", static_cast<float>(*slope)}});
    }
    return Ok();
  }
  if (Is(node, "Pow") && IsScalar(editor, node.inputs[1], 2) && SameRank(editor, node.inputs[0], out)) {
    const ValueId x = node.inputs[0];
    editor.Replace(n, "Mul", {x, x}, {});
    return Ok();
  }
  if (const auto quotient = WithNumber(editor, node, "Div")) {
    int exponent;  // x / 2^k is x * 2^-k to the bit
    if (std::abs(std::frexp(quotient->number, &exponent)) != 0.5 || std::abs(exponent) > 100) return Ok();
    const float factor = static_cast<float>(1 / quotient->number);
    OCTAVO_ASSIGN_OR_RETURN(
        const ValueId v, editor.AddConstant<float>(editor.value(out).name + "_factor", Shape(), std::span(&factor, 1)));
    editor.Replace(n, "Mul", {quotient->input, v}, {});
    return Ok();
  }
  const auto& shape = editor.value(node.inputs.empty() ? out : node.inputs[0]).shape;
  if (Is(node, "ReduceMean") && shape && shape->rank() >= 4) {
    std::vector<int> spatial;
    for (int i = 2; i < shape->rank(); ++i) spatial.push_back(i);
    // Without keepdims it would take a Flatten as well, which can come between this and its QuantizeLinear.
    const bool kept = NodeReader(node, editor.opset()).Int("keepdims", 1) != 0;
    if (!kept || ReductionAxes(editor, node) != spatial) return Ok();
    editor.Replace(n, "GlobalAveragePool", {node.inputs[0]}, {});
  }
  return Ok();
}

}  // namespace

Status FuseActivations(Editor& editor) {
  const NodeId nodes = static_cast<NodeId>(editor.nodes());
  for (NodeId n = 0; n < nodes; ++n) {
    if (!editor.alive(n)) continue;
    OCTAVO_RETURN_IF_ERROR(FuseClip(editor, n));
    FuseHardForms(editor, n);
    FuseGelu(editor, n);
    OCTAVO_RETURN_IF_ERROR(Respell(editor, n));
  }
  return Ok();
}

}  // namespace octavo
