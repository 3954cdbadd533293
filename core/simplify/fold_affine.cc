// y = a * x + b per channel, above or below a layer with weights, is part of that layer. Computed in double and rounded
// once, however many such steps follow each other.
#include <cmath>
#include <utility>
#include <vector>

#include "core/simplify/match.h"
#include "core/simplify/passes.h"

namespace octavo {
namespace {

struct Affine {
  std::vector<double> scale, shift;
};

bool IsFloat(const Tensor* tensor) { return tensor && tensor->dtype() == DType::kFloat; }

// A layer with weights and one output channel axis, 1.
struct Layer {
  const Node* node = nullptr;
  Tensor weights;
  int64_t channels = 0;
  int64_t groups = 1;
  bool has_bias = false;
  std::vector<double> bias;  // by channel
};

// nullopt for other nodes, and where weights or bias are not constant floats.
std::optional<Layer> AsLayer(const Editor& editor, const Node& node) {
  const bool conv = Is(node, "Conv"), transposed = Is(node, "ConvTranspose"), gemm = Is(node, "Gemm");
  if (!conv && !transposed && !gemm) return std::nullopt;
  const Tensor* weights = editor.Constant(node.inputs[1]);
  if (!IsFloat(weights) || weights->elements() == 0) return std::nullopt;
  const NodeReader reader(node, editor.opset());
  Layer layer;
  layer.node = &node;
  layer.weights = *weights;
  const Shape& shape = weights->shape();
  if (gemm) {
    layer.channels = shape[reader.Int("transB", 0) != 0 ? 0 : 1];
  } else {
    layer.groups = reader.Int("group", 1);
    layer.channels = conv ? shape[0] : shape[1] * layer.groups;
  }
  layer.bias.assign(static_cast<size_t>(layer.channels), 0.0);
  layer.has_bias = node.has_input(2);
  if (!layer.has_bias) return layer;
  const Tensor* bias = editor.Constant(node.inputs[2]);
  if (!IsFloat(bias)) return std::nullopt;
  const Shape& dims = bias->shape();
  const bool one = bias->elements() == 1;
  const bool row = dims.rank() >= 1 && dims[dims.rank() - 1] == layer.channels && bias->elements() == layer.channels;
  if (!one && !row) return std::nullopt;
  const double beta = gemm ? reader.Float("beta", 1.0f) : 1.0;
  for (size_t i = 0; i < layer.bias.size(); ++i) layer.bias[i] = beta * bias->data<float>()[one ? 0 : i];
  return layer;
}

// f(i, c) for each weight i and the output channel c it belongs to.
template <typename F>
void ForEachWeight(const Editor& editor, const Layer& layer, F&& f) {
  const Shape& shape = layer.weights.shape();
  const size_t all = static_cast<size_t>(layer.weights.elements());
  const size_t channels = static_cast<size_t>(layer.channels);
  if (Is(*layer.node, "Gemm") && NodeReader(*layer.node, editor.opset()).Int("transB", 0) == 0) {
    for (size_t i = 0; i < all; ++i) f(i, i % channels);
  } else if (Is(*layer.node, "ConvTranspose")) {  // [in channels, channels of a group, kernel]
    const size_t per_group = static_cast<size_t>(shape[1]), kernel = all / static_cast<size_t>(shape[0] * shape[1]);
    const size_t inputs = static_cast<size_t>(shape[0] / layer.groups);  // of a group
    for (size_t i = 0; i < all; ++i) {
      const size_t in = i / kernel / per_group;
      f(i, in / inputs * per_group + i / kernel % per_group);
    }
  } else {
    for (size_t i = 0; i < all; ++i) f(i, i / (all / channels));
  }
}

// The constant as one number per channel of a value of this rank, channels on axis 1; nullopt if it is none.
std::optional<std::vector<double>> PerChannel(const Tensor* constant, int rank, int64_t channels) {
  if (!IsFloat(constant) || constant->shape().rank() > rank) return std::nullopt;
  const Shape& shape = constant->shape();
  bool along = false;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 1) continue;
    if (rank - shape.rank() + i != 1 || shape[i] != channels) return std::nullopt;
    along = true;
  }
  std::vector<double> numbers(static_cast<size_t>(channels));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = constant->data<float>()[along ? i : 0];
  return numbers;
}

std::optional<Affine> BatchNorm(const Editor& editor, const Node& node, ValueId v, int64_t channels) {
  const NodeReader reader(node, editor.opset());
  if (node.inputs[0] != v || reader.Int("training_mode", 0) != 0 || reader.Int("spatial", 1) != 1) return std::nullopt;
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue && !editor.Unused(node.outputs[i])) return std::nullopt;
  }
  std::span<const float> parameters[4];  // scale, shift, mean, variance
  for (size_t i = 0; i < 4; ++i) {
    const Tensor* tensor = editor.Constant(node.inputs[i + 1]);
    if (!IsFloat(tensor) || tensor->elements() != channels) return std::nullopt;
    parameters[i] = tensor->data<float>();
  }
  const double epsilon = reader.Float("epsilon", 1e-5f);
  Affine affine;
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const double scale = parameters[0][c] / std::sqrt(parameters[3][c] + epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back(parameters[1][c] - parameters[2][c] * scale);
  }
  return affine;
}

// What `node` does to v, if it is affine per channel.
std::optional<Affine> AsAffine(const Editor& editor, const Node& node, ValueId v, int64_t channels) {
  if (Is(node, "BatchNormalization")) return BatchNorm(editor, node, v, channels);
  const bool add = Is(node, "Add"), sub = Is(node, "Sub"), mul = Is(node, "Mul"), div = Is(node, "Div");
  const ValueId other = add || sub || mul || div ? OtherInput(node, v) : kNoValue;
  const auto& shape = editor.value(v).shape;
  if (other == kNoValue || !shape) return std::nullopt;
  const auto numbers = PerChannel(editor.Constant(other), shape->rank(), channels);
  const bool reversed = node.inputs[1] == v;  // constant - v, constant / v
  if (!numbers || (div && reversed)) return std::nullopt;
  Affine affine;
  for (double number : *numbers) {
    affine.scale.push_back(mul ? number : div ? 1 / number : sub && reversed ? -1 : 1);
    affine.shift.push_back(add || (sub && reversed) ? number : sub ? -number : 0);
  }
  return affine;
}

bool Finite(const std::vector<double>& numbers) {
  for (double number : numbers) {
    if (!std::isfinite(static_cast<float>(number))) return false;
  }
  return true;
}

// Gives layer n the weights and bias that make its output what `affine` makes of it. False, and nothing done, if one
// of them would not be finite.
Result<bool> Apply(Editor& editor, NodeId n, const Layer& layer, const Affine& affine) {
  std::vector<double> bias(layer.bias.size());
  bool zero = true;
  for (size_t c = 0; c < bias.size(); ++c) {
    bias[c] = layer.bias[c] * affine.scale[c] + affine.shift[c];
    zero = zero && bias[c] == 0;
  }
  OCTAVO_ASSIGN_OR_RETURN(Tensor weights, Tensor::Create(editor.memory(), DType::kFloat, layer.weights.shape()));
  const std::span<const float> from = layer.weights.data<float>();
  const std::span<float> to = weights.mutable_data<float>();
  bool finite = Finite(bias);
  ForEachWeight(editor, layer, [&](size_t i, size_t channel) {
    to[i] = static_cast<float>(from[i] * affine.scale[channel]);
    finite = finite && std::isfinite(to[i]);
  });
  if (!finite) return false;

  const auto replace = [&](size_t input, Tensor tensor, const std::string& name) {
    const ValueId old = input < editor.node(n).inputs.size() ? editor.node(n).inputs[input] : kNoValue;
    if (old != kNoValue && editor.ReadOnce(old)) return editor.SetConstant(old, std::move(tensor));
    const ValueId v = editor.AddConstant(old != kNoValue ? editor.value(old).name : name, std::move(tensor));
    if (input < editor.node(n).inputs.size()) return editor.SetInput(n, input, v);
    editor.AppendInput(n, v);
  };
  const bool gemm = Is(*layer.node, "Gemm");
  replace(1, std::move(weights), "");
  if (layer.has_bias || !zero) {
    OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(editor.memory(), DType::kFloat, Shape({layer.channels})));
    for (size_t c = 0; c < bias.size(); ++c) tensor.mutable_data<float>()[c] = static_cast<float>(bias[c]);
    replace(2, std::move(tensor), editor.value(editor.node(n).outputs[0]).name + "_bias");
    if (gemm) editor.SetAttribute(n, "beta", 1.0f);
  }
  return true;
}

}  // namespace

Status FoldAffine(Editor& editor) {
  for (NodeId n = 0; n < editor.nodes(); ++n) {
    if (!editor.alive(n)) continue;
    const std::optional<Layer> layer = AsLayer(editor, editor.node(n));
    if (!layer) continue;
    // All that follow without a fork, joined into one.
    Affine affine;
    std::vector<NodeId> steps;
    for (ValueId v = editor.node(n).outputs[0]; editor.ReadOnce(v);) {
      const NodeId reader = editor.Readers(v)[0];
      std::optional<Affine> step = AsAffine(editor, editor.node(reader), v, layer->channels);
      if (!step || !Finite(step->scale) || !Finite(step->shift)) break;
      if (steps.empty()) {
        affine = std::move(*step);
      } else {
        for (size_t c = 0; c < affine.scale.size(); ++c) {
          affine.scale[c] *= step->scale[c];
          affine.shift[c] = affine.shift[c] * step->scale[c] + step->shift[c];
        }
      }
      steps.push_back(reader);
      v = editor.node(reader).outputs[0];
    }
    if (steps.empty()) continue;
    OCTAVO_ASSIGN_OR_RETURN(const bool applied, Apply(editor, n, *layer, affine));
    if (!applied) continue;
    for (NodeId step : steps) editor.TakeOver(n, step);
  }
  return Ok();
}

}  // namespace octavo
