#include <algorithm>
#include <cmath>
#include <optional>

#include "core/ops/window.h"
#include "core/quantize/range.h"
#include "core/quantize/rewriter.h"
#include "core/quantize/schemes.h"
#include "core/quantize/weights.h"

namespace octavo {
namespace {

class StaticEmitter {
 public:
  StaticEmitter(const Graph& graph, const Recipe& recipe, const Placement& placement, const Statistics& statistics,
                const CustomObserver* custom, const MemoryPtr& memory)
      : graph_(graph),
        recipe_(recipe),
        placement_(placement),
        statistics_(statistics),
        custom_(custom),
        rewriter_(graph, memory) {
    dequantized_.assign(graph.values.size(), kNoValue);
    is_output_.assign(graph.values.size(), false);
    made_by_int8_.assign(graph.values.size(), false);
    for (ValueId v : graph.outputs) is_output_[v] = true;
  }

  Result<Graph> Run(const Tick& tick) {
    OCTAVO_RETURN_IF_ERROR(ChooseParams());
    for (ValueId v : graph_.inputs) {
      if (placement_.quantized[v] && !graph_.values[v].constant) OCTAVO_RETURN_IF_ERROR(EmitPair(v, v));
    }
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      OCTAVO_RETURN_IF_ERROR(EmitNode(n).Within(Label(graph_, n)));
      OCTAVO_RETURN_IF_ERROR(tick(n + 1, graph_.nodes.size(), graph_.nodes[n].name));
    }
    return rewriter_.Finish();
  }

 private:
  // The observer for a value: that of the rules for the nodes of the unit that makes it.
  std::vector<ObserverChoice> Observers() const {
    std::vector<ObserverChoice> observers(graph_.values.size(), recipe_.observer);
    for (const Unit& unit : placement_.units) {
      for (NodeId n : unit.nodes) {
        const auto observer = RuleFor(recipe_, graph_.nodes[n]).observer;
        if (!observer) continue;
        for (ValueId v : graph_.nodes[unit.nodes.back()].outputs) {
          if (v != kNoValue) observers[v] = *observer;
        }
      }
    }
    return observers;
  }

  // Values that share parameters get those of the union of their ranges.
  Status ChooseParams() {
    const std::vector<ObserverChoice> observers = Observers();
    std::vector<Range> ranges(graph_.values.size());
    params_.resize(graph_.values.size());
    for (ValueId v = 0; v < graph_.values.size(); ++v) {
      if (!placement_.quantized[v]) continue;
      OCTAVO_ASSIGN_OR_RETURN(const Range range, RangeOf(v, observers[v]));
      Range& shared = ranges[placement_.params_of[v]];
      shared.low = std::min(shared.low, range.low);
      shared.high = std::max(shared.high, range.high);
    }
    for (ValueId v = 0; v < graph_.values.size(); ++v) params_[v] = ParamsU8(ranges[placement_.params_of[v]]);
    return Ok();
  }

  Result<Range> RangeOf(ValueId v, const ObserverChoice& observer) const {
    const Value& value = graph_.values[v];
    if (value.constant) {
      ValueStatistics statistics;
      statistics.Collect(value.constant->data<float>());
      return Range{statistics.min, statistics.max};
    }
    const auto found = statistics_.values.find(value.name);
    if (found == statistics_.values.end()) {
      return Error(Code::kInvalidArgument, "the statistics hold nothing of value '%s'; collect them on this model",
                   Printable(value.name).c_str());
    }
    if (found->second.count == 0) return Range{};
    if (observer.kind == ObserverKind::kCustom) return ChooseCustomRange(value.name, found->second, *custom_);
    return ChooseRange(found->second, observer);
  }

  // raw -> QuantizeLinear -> DequantizeLinear. Readers of v read the result; a graph output keeps its name there.
  Status EmitPair(ValueId v, ValueId raw) {
    const std::string& name = graph_.values[v].name;
    const QuantParams params = params_[v];
    const float scale[] = {params.scale};
    const uint8_t zero_point[] = {static_cast<uint8_t>(params.zero_point)};
    OCTAVO_ASSIGN_OR_RETURN(const ValueId s, rewriter_.NewConstant<float>(name + "_scale", scale));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId z, rewriter_.NewConstant<uint8_t>(name + "_zero_point", zero_point));
    const ValueId q = rewriter_.NewValue(name + "_quantized", DType::kUInt8);
    dequantized_[v] = raw == v ? rewriter_.NewValue(name + "_dequantized", DType::kFloat) : v;
    rewriter_.Emit("QuantizeLinear", name + "_QuantizeLinear", {raw, s, z}, {q});
    rewriter_.Emit("DequantizeLinear", name + "_DequantizeLinear", {q, s, z}, {dequantized_[v]});
    return Ok();
  }

  // A constant operand of an integer step: 8-bit values behind a DequantizeLinear.
  Result<ValueId> EmitConstant(ValueId v) {
    if (dequantized_[v] != kNoValue) return dequantized_[v];
    const Value& value = graph_.values[v];
    const QuantParams params = params_[v];
    OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(rewriter_.memory(), DType::kUInt8, value.constant->shape()));
    const auto from = value.constant->data<float>();
    const auto to = tensor.mutable_data<uint8_t>();
    for (size_t i = 0; i < from.size(); ++i) {
      to[i] = static_cast<uint8_t>(
          std::clamp(std::nearbyint(from[i] / params.scale) + static_cast<float>(params.zero_point), 0.0f, 255.0f));
    }
    const float scale[] = {params.scale};
    const uint8_t zero_point[] = {static_cast<uint8_t>(params.zero_point)};
    const ValueId q = rewriter_.NewConstant(value.name + "_quantized", std::move(tensor));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId s, rewriter_.NewConstant<float>(value.name + "_scale", scale));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId z, rewriter_.NewConstant<uint8_t>(value.name + "_zero_point", zero_point));
    dequantized_[v] = rewriter_.NewValue(value.name + "_dequantized", DType::kFloat);
    rewriter_.Emit("DequantizeLinear", value.name + "_DequantizeLinear", {q, s, z}, {dequantized_[v]});
    return dequantized_[v];
  }

  // Units are emitted whole, where their last node stood: nobody else reads what lies between.
  Status EmitNode(NodeId n) {
    const int u = placement_.unit_of[n];
    const Unit* unit = u < 0 ? nullptr : &placement_.units[static_cast<size_t>(u)];
    if (!unit || !unit->int8) {
      Node node = graph_.nodes[n];
      for (ValueId& v : node.inputs) {
        if (v != kNoValue && made_by_int8_[v] && placement_.quantized[v]) v = dequantized_[v];
      }
      return EmitWithPairs(std::move(node), false);
    }
    if (n != unit->nodes.back()) return Ok();
    std::vector<Node> nodes;
    for (NodeId member : unit->nodes) nodes.push_back(graph_.nodes[member]);
    for (Node& node : nodes) {
      for (ValueId& v : node.inputs) {
        if (std::count(unit->inputs.begin(), unit->inputs.end(), v) == 0) continue;
        if (graph_.values[v].constant) {
          OCTAVO_ASSIGN_OR_RETURN(v, EmitConstant(v));
        } else {
          v = dequantized_[v];
        }
      }
    }
    if (unit->rule == QuantRule::kWeighted) OCTAVO_RETURN_IF_ERROR(EmitWeights(*unit, nodes));
    Node last = std::move(nodes.back());
    nodes.pop_back();
    for (Node& node : nodes) rewriter_.Emit(std::move(node));
    return EmitWithPairs(std::move(last), true);
  }

  // Emits a node and the pairs of its quantized results. A quantized graph output keeps its name behind the pair.
  Status EmitWithPairs(Node node, bool int8) {
    std::vector<std::pair<ValueId, ValueId>> pairs;
    for (ValueId& v : node.outputs) {
      if (v == kNoValue) continue;
      const ValueId original = v;
      made_by_int8_[original] = int8;
      if (!placement_.quantized[v]) continue;
      if (is_output_[v]) v = rewriter_.NewValue(graph_.values[v].name + "_raw", DType::kFloat);
      pairs.emplace_back(original, v);
    }
    rewriter_.Emit(std::move(node));
    for (const auto& [original, raw] : pairs) OCTAVO_RETURN_IF_ERROR(EmitPair(original, raw));
    return Ok();
  }

  // Turns the float weights and bias of nodes[0] into integers behind DequantizeLinear.
  Status EmitWeights(const Unit& unit, std::vector<Node>& nodes) {
    MatMulToGemm(nodes);
    Node& node = nodes[0];
    const int axis = OutputChannelAxis(node);
    const bool per_channel = RuleFor(recipe_, graph_.nodes[unit.nodes[0]]).per_channel.value_or(recipe_.per_channel);
    const int scale_axis = per_channel ? axis : -1;
    OCTAVO_ASSIGN_OR_RETURN(const Tensor weights, Scaled(*graph_.values[node.inputs[1]].constant, "alpha", node));
    OCTAVO_ASSIGN_OR_RETURN(std::vector<float> scales, WeightScales(weights, scale_axis));
    const float input_scale = params_[unit.inputs[0]].scale;

    std::vector<float> bias;
    if (node.has_input(2)) {
      OCTAVO_ASSIGN_OR_RETURN(const Tensor from, Scaled(*graph_.values[node.inputs[2]].constant, "beta", node));
      bias.assign(from.data<float>().begin(), from.data<float>().end());
      // A bias that is large beside its channel's weights asks for a coarser scale of both.
      for (size_t c = 0; c < bias.size(); ++c) {
        if (!std::isfinite(bias[c])) return Error(Code::kInvalidData, "its bias holds NaN or infinity");
        const bool one_scale = scales.size() == 1, one_bias = bias.size() == 1;
        const size_t end = one_scale ? 1 : one_bias ? scales.size() : c + 1;
        for (size_t s = one_scale || one_bias ? 0 : c; s < end; ++s) {
          const double largest = std::fabs(double{bias[c]}) / (double{input_scale} * double{scales[s]});
          if (largest > kLargestBias) scales[s] = static_cast<float>(scales[s] * (largest / kLargestBias) * (1 + 1e-6));
        }
      }
    }
    OCTAVO_ASSIGN_OR_RETURN(Tensor quantized, QuantizeWeights(weights, scale_axis, scales, rewriter_.memory()));
    if (node.op_type == "Conv" && recipe_.balanced_rounding) BalanceKernels(weights, scale_axis, scales, &quantized);
    if (recipe_.bias_correction) CorrectBias(unit, node, weights, quantized, scales, bias);

    const std::string name = graph_.values[node.inputs[1]].name;
    const std::vector<int8_t> zeros(scales.size(), 0);
    const ValueId q = rewriter_.NewConstant(name + "_quantized", std::move(quantized));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId s, rewriter_.NewConstant<float>(name + "_scale", scales));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId z, rewriter_.NewConstant<int8_t>(name + "_zero_point", zeros));
    const ValueId dequantized = rewriter_.NewValue(name + "_dequantized", DType::kFloat);
    rewriter_.Emit("DequantizeLinear", name + "_DequantizeLinear", {q, s, z}, {dequantized}, Axis(scales, scale_axis));
    node.inputs[1] = dequantized;
    if (bias.empty()) return Ok();
    return EmitBias(node, node.has_input(2) ? graph_.values[node.inputs[2]].name : node.name + "_bias", bias,
                    input_scale, scales, weights.shape()[axis < 0 ? 0 : axis]);
  }

  // Rounded weights shift each output channel by (rounded - exact) * mean of the inputs; the bias takes that back. A
  // node without a bias gets one.
  void CorrectBias(const Unit& unit, const Node& node, const Tensor& weights, const Tensor& quantized,
                   const std::vector<float>& scales, std::vector<float>& bias) const {
    if (node.op_type == "MatMul") return;  // has no bias
    const auto found = statistics_.values.find(graph_.values[unit.inputs[0]].name);
    if (found == statistics_.values.end() || found->second.channel_axis != 1) return;
    const std::vector<double> errors = MeanErrors(node, weights, quantized, scales, found->second.ChannelMeans(),
                                                  TapShares(node, weights, graph_.values[unit.inputs[0]].shape));
    if (errors.empty()) return;
    if (bias.size() <= 1) bias.resize(errors.size(), bias.empty() ? 0.0f : bias[0]);
    if (bias.size() != errors.size()) return;
    for (size_t c = 0; c < bias.size(); ++c) bias[c] = static_cast<float>(double{bias[c]} - errors[c]);
  }

  // How often each tap of the weights counts in an output element, on average: less than once where padding lies under
  // it. Padding is left aside where the input's size is not known.
  std::vector<double> TapShares(const Node& node, const Tensor& weights, const std::optional<Shape>& x) const {
    const NodeReader reader(node, graph_.opset());
    const Shape& shape = weights.shape();
    std::vector<double> shares(static_cast<size_t>(shape.Elements(2, shape.rank())), 1.0);
    if (node.op_type == "ConvTranspose") {  // an output meets one of stride * stride sets of taps
      for (int64_t stride : reader.Ints("strides")) {
        for (double& share : shares) share /= static_cast<double>(stride);
      }
    }
    if (node.op_type != "Conv" || !x || x->rank() != shape.rank()) return shares;
    const auto window = ConvWindow(reader, x->dims().subspan(2), shape.dims().subspan(2));
    if (!window.ok()) return shares;
    size_t inner = 1;  // taps from one position along the axis to the next
    for (int i = window->spatial; i-- > 0;) {
      const WindowAxis& axis = window->axis(i);
      const auto kernel = static_cast<size_t>(axis.kernel);
      if (axis.in > 0 && axis.out > 0) {
        std::vector<double> met(kernel, 0.0);
        for (int64_t o = 0; o < axis.out; ++o) {
          const auto [begin, end] = axis.ValidTaps(o);
          for (int64_t k = begin; k < end; ++k) met[static_cast<size_t>(k)] += 1.0 / static_cast<double>(axis.out);
        }
        for (size_t tap = 0; tap < shares.size(); ++tap) shares[tap] *= met[tap / inner % kernel];
      }
      inner *= kernel;
    }
    return shares;
  }

  // The mean error of each output channel of a Conv, ConvTranspose or Gemm. Empty if the means do not fit.
  std::vector<double> MeanErrors(const Node& node, const Tensor& weights, const Tensor& quantized,
                                 const std::vector<float>& scales, const std::vector<double>& means,
                                 const std::vector<double>& tap_shares) const {
    const NodeReader reader(node, graph_.opset());
    const Shape& shape = weights.shape();
    const bool gemm = node.op_type == "Gemm", transposed = node.op_type == "ConvTranspose";
    const bool out_first = gemm ? reader.Int("transB", 0) != 0 : !transposed;
    const int64_t groups = gemm ? 1 : reader.Int("group", 1);
    const int64_t ins = out_first ? shape[1] * groups : shape[0], outs = out_first ? shape[0] : shape[1] * groups;
    if (static_cast<int64_t>(means.size()) != ins || ins % groups != 0 || outs % groups != 0) return {};
    const auto exact = weights.data<float>();
    const auto rounded = quantized.data<int8_t>();
    std::vector<double> errors(static_cast<size_t>(outs), 0.0);
    size_t at = 0;
    for (int64_t i = 0; i < shape[0]; ++i) {
      for (int64_t j = 0; j < shape[1]; ++j) {
        const int64_t group = out_first ? i / (outs / groups) : i / (ins / groups);
        const int64_t in = out_first ? group * shape[1] + j : i, out = out_first ? i : group * shape[1] + j;
        const double scale = scales[scales.size() == 1 ? 0 : static_cast<size_t>(out)];
        double error = 0;
        for (const double share : tap_shares) {
          error += (rounded[at] * scale - double{exact[at]}) * share;
          ++at;
        }
        errors[static_cast<size_t>(out)] += error * means[static_cast<size_t>(in)];
      }
    }
    return errors;
  }

  // int32 with scale input_scale * weight_scale[c], zero point 0.
  Status EmitBias(Node& node, const std::string& name, const std::vector<float>& bias, float input_scale,
                  const std::vector<float>& weight_scales, int64_t columns) {
    const size_t channels = bias.size() == 1 && weight_scales.size() > 1 ? static_cast<size_t>(columns) : bias.size();
    std::vector<float> scales(weight_scales.size() == 1 ? 1 : channels);
    for (size_t c = 0; c < scales.size(); ++c) scales[c] = input_scale * weight_scales[c];
    std::vector<int32_t> values(channels);
    for (size_t c = 0; c < channels; ++c) {
      const double value = double{bias[bias.size() == 1 ? 0 : c]} / scales[scales.size() == 1 ? 0 : c];
      values[c] = static_cast<int32_t>(std::clamp(std::nearbyint(value), -kLargestBias, kLargestBias));
    }
    // Rank 1 even for one value: that is what Conv asks for.
    OCTAVO_ASSIGN_OR_RETURN(Tensor tensor,
                            Tensor::Of<int32_t>(rewriter_.memory(), Shape{static_cast<int64_t>(channels)}, values));
    const std::vector<int32_t> zeros(scales.size(), 0);
    const ValueId q = rewriter_.NewConstant(name + "_quantized", std::move(tensor));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId s, rewriter_.NewConstant<float>(name + "_scale", scales));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId z, rewriter_.NewConstant<int32_t>(name + "_zero_point", zeros));
    const ValueId dequantized = rewriter_.NewValue(name + "_dequantized", DType::kFloat);
    rewriter_.Emit("DequantizeLinear", name + "_DequantizeLinear", {q, s, z}, {dequantized}, Axis(scales, 0));
    node.inputs.resize(3, kNoValue);
    node.inputs[2] = dequantized;
    return Ok();
  }

  static std::vector<Attribute> Axis(const std::vector<float>& scales, int axis) {
    if (scales.size() == 1) return {};
    return {{"axis", int64_t{axis}}};
  }

  // MatMul [M, K] x [K, N] + bias [N] is a Gemm, whose bias has an integer form.
  void MatMulToGemm(std::vector<Node>& nodes) const {
    if (nodes.size() < 2 || nodes[0].op_type != "MatMul" || nodes[1].op_type != "Add") return;
    const ValueId product = nodes[0].outputs[0];
    const auto& shape = graph_.values[product].shape;
    if (!shape || shape->rank() != 2) return;
    nodes[0].op_type = "Gemm";
    nodes[0].inputs.push_back(nodes[1].inputs[nodes[1].inputs[0] == product ? 1 : 0]);
    nodes[0].outputs = nodes[1].outputs;
    nodes.erase(nodes.begin() + 1);
  }

  // Gemm's alpha and beta go into its constants.
  Result<Tensor> Scaled(const Tensor& tensor, const char* factor_name, Node& node) {
    const float factor = NodeReader(node, graph_.opset()).Float(factor_name, 1.0f);
    std::erase_if(node.attributes, [&](const Attribute& attribute) { return attribute.name == factor_name; });
    if (factor == 1.0f) return tensor;
    OCTAVO_ASSIGN_OR_RETURN(Tensor scaled, Tensor::Create(rewriter_.memory(), DType::kFloat, tensor.shape()));
    for (size_t i = 0; i < tensor.data<float>().size(); ++i) {
      scaled.mutable_data<float>()[i] = tensor.data<float>()[i] * factor;
    }
    return scaled;
  }

  const Graph& graph_;
  const Recipe& recipe_;
  const Placement& placement_;
  const Statistics& statistics_;
  const CustomObserver* const custom_;  // there if the recipe names it
  Rewriter rewriter_;
  std::vector<QuantParams> params_;
  std::vector<ValueId> dequantized_;
  std::vector<bool> is_output_, made_by_int8_;
};

}  // namespace

Result<Graph> EmitStatic(const Graph& graph, const Recipe& recipe, const Placement& placement,
                         const Statistics& statistics, const CustomObserver* custom, const MemoryPtr& memory,
                         const Tick& tick) {
  return StaticEmitter(graph, recipe, placement, statistics, custom, memory).Run(tick);
}

}  // namespace octavo
