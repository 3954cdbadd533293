#include <algorithm>
#include <cmath>

#include "core/base/checked.h"
#include "core/quantize/range.h"
#include "core/quantize/rewriter.h"
#include "core/quantize/schemes.h"
#include "core/quantize/weights.h"

namespace octavo {
namespace {

// Symmetric integers of a weight matrix whose blocks of `block` elements along `summed` share a scale.
struct Blocks {
  Tensor values, scales;
};

Result<Blocks> QuantizeBlocks(const Tensor& weights, int summed, int64_t block, int bits, const MemoryPtr& memory) {
  const int64_t rows = weights.shape()[0], columns = weights.shape()[1];
  Shape scale_shape = weights.shape();
  scale_shape[summed] = CeilDiv(weights.shape()[summed], block);
  Blocks blocks;
  OCTAVO_ASSIGN_OR_RETURN(blocks.scales, Tensor::Create(memory, DType::kFloat, scale_shape));
  OCTAVO_ASSIGN_OR_RETURN(blocks.values,
                          Tensor::Create(memory, bits == 4 ? DType::kInt4 : DType::kInt8, weights.shape()));
  const auto from = weights.data<float>();
  const auto scales = blocks.scales.mutable_data<float>();
  const auto scale_at = [&](int64_t r, int64_t c) -> float& {
    return scales[static_cast<size_t>(summed == 0 ? r / block * columns + c : r * scale_shape[1] + c / block)];
  };
  std::fill(scales.begin(), scales.end(), 0.0f);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const float magnitude = std::fabs(from[static_cast<size_t>(r * columns + c)]);
      if (!std::isfinite(magnitude)) return Error(Code::kInvalidData, "weights hold NaN or infinity");
      scale_at(r, c) = std::max(scale_at(r, c), magnitude);
    }
  }
  const float most = bits == 4 ? 7.0f : 127.0f;
  for (float& scale : scales) scale = scale == 0 ? 1.0f : std::clamp(scale / most, kSmallestScale, kLargestScale);
  auto* bytes = static_cast<uint8_t*>(blocks.values.mutable_raw());
  std::fill_n(bytes, blocks.values.bytes(), uint8_t{0});
  for (int64_t i = 0; i < rows * columns; ++i) {
    const float scaled = std::nearbyint(from[static_cast<size_t>(i)] / scale_at(i / columns, i % columns));
    const int q = static_cast<int>(std::clamp(scaled, -most, most));
    if (bits == 8) {
      bytes[i] = static_cast<uint8_t>(q);
    } else {
      bytes[i / 2] = static_cast<uint8_t>(bytes[i / 2] | (q & 15) << (4 * (i % 2)));  // low nibble first
    }
  }
  return blocks;
}

}  // namespace

Result<Graph> EmitWeightOnly(const Graph& graph, const Recipe& recipe, const Placement& placement,
                             const MemoryPtr& memory, const Tick& tick) {
  Rewriter rewriter(graph, memory);
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    Node node = graph.nodes[n];
    const int u = placement.unit_of[n];
    const Unit* unit = u < 0 ? nullptr : &placement.units[static_cast<size_t>(u)];
    if (unit && unit->int8 && unit->nodes[0] == n) {
      const Tensor& weights = *graph.values[node.inputs[1]].constant;
      const std::string& name = graph.values[node.inputs[1]].name;
      const int axis = OutputChannelAxis(node);
      const ValueId dequantized = rewriter.NewValue(name + "_dequantized", DType::kFloat);
      std::vector<Attribute> attributes;
      std::vector<ValueId> inputs;
      if (recipe.block_size != 0 && (node.op_type == "MatMul" || node.op_type == "Gemm")) {
        const int summed = 1 - axis;
        const int64_t block = std::min(recipe.block_size, weights.shape()[summed]);
        auto blocks = QuantizeBlocks(weights, summed, block, recipe.weight_bits, memory);
        if (!blocks.ok()) return blocks.status().Within(Label(graph, n));
        inputs = {rewriter.NewConstant(name + "_quantized", std::move(blocks->values)),
                  rewriter.NewConstant(name + "_scale", std::move(blocks->scales))};
        attributes = {{"axis", int64_t{summed}}, {"block_size", block}};
      } else {
        const bool per_channel = RuleFor(recipe, node).per_channel.value_or(recipe.per_channel);
        const int scale_axis = per_channel ? axis : -1;
        auto scales = WeightScales(weights, scale_axis);
        if (!scales.ok()) return scales.status().Within(Label(graph, n));
        OCTAVO_ASSIGN_OR_RETURN(Tensor quantized, QuantizeWeights(weights, scale_axis, *scales, memory));
        if (node.op_type == "Conv" && recipe.balanced_rounding) {
          BalanceKernels(weights, scale_axis, *scales, &quantized);
        }
        inputs = {rewriter.NewConstant(name + "_quantized", std::move(quantized))};
        OCTAVO_ASSIGN_OR_RETURN(const ValueId scale, rewriter.NewConstant<float>(name + "_scale", *scales));
        inputs.push_back(scale);
        if (scales->size() > 1) attributes = {{"axis", int64_t{scale_axis}}};
      }
      rewriter.Emit("DequantizeLinear", name + "_DequantizeLinear", std::move(inputs), {dequantized},
                    std::move(attributes));
      node.inputs[1] = dequantized;
    }
    rewriter.Emit(std::move(node));
    OCTAVO_RETURN_IF_ERROR(tick(n + 1, graph.nodes.size(), graph.nodes[n].name));
  }
  return rewriter.Finish();
}

}  // namespace octavo
