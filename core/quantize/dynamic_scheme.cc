#include <map>

#include "core/quantize/rewriter.h"
#include "core/quantize/schemes.h"
#include "core/quantize/weights.h"

namespace octavo {
namespace {

class DynamicEmitter {
 public:
  DynamicEmitter(const Graph& graph, const Recipe& recipe, const MemoryPtr& memory)
      : graph_(graph), recipe_(recipe), rewriter_(graph, memory) {}

  Result<Graph> Run(const Placement& placement, const Tick& tick) {
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      const int u = placement.unit_of[n];
      const Unit* unit = u < 0 ? nullptr : &placement.units[static_cast<size_t>(u)];
      if (unit && unit->int8 && unit->nodes[0] == n) {
        OCTAVO_RETURN_IF_ERROR(EmitIntegerProduct(graph_.nodes[n]).Within(Label(graph_, n)));
      } else {
        rewriter_.Emit(graph_.nodes[n]);
      }
      OCTAVO_RETURN_IF_ERROR(tick(n + 1, graph_.nodes.size(), graph_.nodes[n].name));
    }
    return rewriter_.Finish();
  }

 private:
  struct DynamicInput {
    ValueId quantized, scale, zero_point;
  };

  // One DynamicQuantizeLinear a value, however many read it.
  const DynamicInput& Quantized(ValueId v) {
    const auto found = inputs_.find(v);
    if (found != inputs_.end()) return found->second;
    const std::string& name = graph_.values[v].name;
    const DynamicInput input{rewriter_.NewValue(name + "_quantized", DType::kUInt8),
                             rewriter_.NewValue(name + "_scale", DType::kFloat),
                             rewriter_.NewValue(name + "_zero_point", DType::kUInt8)};
    rewriter_.Emit("DynamicQuantizeLinear", name + "_DynamicQuantizeLinear", {v},
                   {input.quantized, input.scale, input.zero_point});
    return inputs_.emplace(v, input).first->second;
  }

  Status EmitIntegerProduct(const Node& node) {
    const NodeReader reader(node, graph_.opset());
    const bool conv = node.op_type == "Conv";
    const bool per_channel = RuleFor(recipe_, node).per_channel.value_or(recipe_.per_channel);
    Tensor weights = *graph_.values[node.inputs[1]].constant;
    if (node.op_type == "Gemm" && reader.Int("transB", 0) != 0) {
      OCTAVO_ASSIGN_OR_RETURN(weights, Transposed(weights));
    }
    const int axis = conv ? 0 : 1;
    const int64_t channels = weights.shape()[axis];
    OCTAVO_ASSIGN_OR_RETURN(std::vector<float> scales, WeightScales(weights, per_channel ? axis : -1));
    OCTAVO_ASSIGN_OR_RETURN(Tensor quantized,
                            QuantizeWeights(weights, per_channel ? axis : -1, scales, rewriter_.memory()));
    if (conv && recipe_.balanced_rounding) BalanceKernels(weights, per_channel ? axis : -1, scales, &quantized);
    const std::string weight_name = graph_.values[node.inputs[1]].name;
    const ValueId q = rewriter_.NewConstant(weight_name + "_quantized", std::move(quantized));

    // Vectors along the channel axis of the result: the last for products, axis 1 for convolutions.
    Shape along{channels};
    if (conv) {
      for (int i = 2; i < weights.shape().rank(); ++i) along.Append(1);
    }
    const float alpha = reader.Float("alpha", 1.0f);
    for (float& scale : scales) scale *= alpha;
    OCTAVO_ASSIGN_OR_RETURN(Tensor scale_tensor,
                            Tensor::Of<float>(rewriter_.memory(), scales.size() == 1 ? Shape() : along, scales));
    const ValueId weight_scale = rewriter_.NewConstant(weight_name + "_scale", std::move(scale_tensor));

    const DynamicInput input = Quantized(node.inputs[0]);
    const std::string name = graph_.values[node.outputs[0]].name;
    const ValueId sums = rewriter_.NewValue(name + "_sums", DType::kInt32);
    const ValueId cast = rewriter_.NewValue(name + "_float", DType::kFloat);
    const ValueId scale = rewriter_.NewValue(name + "_product_scale", DType::kFloat);
    const bool bias = node.has_input(2);
    const ValueId scaled = bias ? rewriter_.NewValue(name + "_scaled", DType::kFloat) : node.outputs[0];
    rewriter_.Emit(conv ? "ConvInteger" : "MatMulInteger", node.name, {input.quantized, q, input.zero_point}, {sums},
                   conv ? node.attributes : std::vector<Attribute>());
    rewriter_.Emit("Cast", node.name + "_Cast", {sums}, {cast}, {{"to", int64_t{1}}});
    rewriter_.Emit("Mul", node.name + "_Scale", {input.scale, weight_scale}, {scale});
    rewriter_.Emit("Mul", node.name + "_Mul", {cast, scale}, {scaled});
    if (!bias) return Ok();

    const Tensor& from = *graph_.values[node.inputs[2]].constant;
    const float beta = reader.Float("beta", 1.0f);
    std::vector<float> values(from.data<float>().begin(), from.data<float>().end());
    for (float& value : values) value *= beta;
    const Shape shape = values.size() == 1 ? Shape() : along;
    OCTAVO_ASSIGN_OR_RETURN(Tensor bias_tensor, Tensor::Of<float>(rewriter_.memory(), shape, values));
    const ValueId b = rewriter_.NewConstant(graph_.values[node.inputs[2]].name + "_row", std::move(bias_tensor));
    rewriter_.Emit("Add", node.name + "_Bias", {scaled, b}, {node.outputs[0]});
    return Ok();
  }

  Result<Tensor> Transposed(const Tensor& from) {
    const int64_t rows = from.shape()[0], columns = from.shape()[1];
    OCTAVO_ASSIGN_OR_RETURN(Tensor to, Tensor::Create(rewriter_.memory(), DType::kFloat, Shape{columns, rows}));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        to.mutable_data<float>()[static_cast<size_t>(c * rows + r)] =
            from.data<float>()[static_cast<size_t>(r * columns + c)];
      }
    }
    return to;
  }

  const Graph& graph_;
  const Recipe& recipe_;
  Rewriter rewriter_;
  std::map<ValueId, DynamicInput> inputs_;
};

}  // namespace

Result<Graph> EmitDynamic(const Graph& graph, const Recipe& recipe, const Placement& placement, const MemoryPtr& memory,
                          const Tick& tick) {
  return DynamicEmitter(graph, recipe, memory).Run(placement, tick);
}

}  // namespace octavo
