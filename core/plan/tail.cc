#include "core/plan/tail.h"

#include "core/graph/operator.h"
#include "core/ops/rounding.h"

namespace octavo {
namespace {

float Clamp(float x, float lo, float hi) { return x < lo ? lo : hi < x ? hi : x; }

// Bounds of Relu and of Clip with constant bounds; false for anything else.
bool ReadClamp(const GraphIndex& index, NodeId n, float* lo, float* hi) {
  const Node& node = index.graph.nodes[n];
  if (!node.domain.empty() || index.graph.values[node.outputs[0]].dtype != DType::kFloat) return false;
  if (node.op_type == "Relu") {
    *lo = 0;
    *hi = kNoHigh;
    return true;
  }
  if (node.op_type != "Clip") return false;
  const NodeReader reader(node, index.graph.opset());
  *lo = reader.Float("min", kNoLow);
  *hi = reader.Float("max", kNoHigh);
  for (size_t i = 1; i < 3; ++i) {
    if (!node.has_input(i)) continue;
    if (!index.IsConstant(node.inputs[i])) return false;
    const Tensor& bound = *index.graph.values[node.inputs[i]].constant;
    if (bound.elements() != 1 || bound.dtype() != DType::kFloat) return false;
    (i == 1 ? *lo : *hi) = bound.data<float>()[0];
  }
  return *lo <= *hi;
}

// Whether node n adds a constant along the last axis, of `columns` elements, to v; then *bias is that constant.
bool ReadBias(const GraphIndex& index, NodeId n, ValueId v, int64_t columns, ValueId* bias) {
  const Node& node = index.graph.nodes[n];
  if (!node.domain.empty() || node.op_type != "Add" || node.inputs[0] == node.inputs[1]) return false;
  const ValueId other = node.inputs[node.inputs[0] == v ? 1 : 0];
  const std::optional<Shape>& shape = index.graph.values[other].shape;
  const std::optional<Shape>& product = index.graph.values[v].shape;
  if (!IsConstantBias(index, other) || !shape || !shape->IsKnown() || !product) return false;
  const int rank = shape->rank();
  const int64_t elements = shape->Elements();
  if (rank > product->rank() || (elements != 1 && (elements != columns || (*shape)[rank - 1] != columns))) return false;
  *bias = other;
  return true;
}

}  // namespace

GraphIndex::GraphIndex(const Graph& source)
    : graph(source),
      producers(Producers(source)),
      consumers(Consumers(source)),
      is_output(source.values.size(), false) {
  for (ValueId v : source.outputs) is_output[v] = true;
}

void Tail::Bounds(uint8_t* q_lo, uint8_t* q_hi) const {
  *q_lo = QuantizeByte(lo, params);
  *q_hi = QuantizeByte(hi, params);
}

bool IsConstantBias(const GraphIndex& index, ValueId v) {
  if (index.graph.values[v].dtype != DType::kFloat) return false;
  if (index.IsConstant(v)) return true;
  const NodeId n = index.producers[v];
  if (n == kNoNode || !IsDequantizeLinear(index.graph.nodes[n])) return false;
  for (ValueId input : index.graph.nodes[n].inputs) {
    if (input != kNoValue && !index.IsConstant(input)) return false;
  }
  return true;
}

std::optional<QParams> QuantizerParams(const Graph& graph, NodeId n) {
  const Node& node = graph.nodes[n];
  if (!IsQuantizeLinear(node) || graph.values[node.inputs[0]].dtype != DType::kFloat) return std::nullopt;
  const int64_t precision = NodeReader(node, graph.opset()).Int("precision", 0);
  if (precision != 0 && precision != static_cast<int64_t>(DType::kFloat)) return std::nullopt;
  return ReadQParams(graph, node, 1, 2, graph.values[node.outputs[0]].dtype);
}

Tail FollowTail(const GraphIndex& index, ValueId v, int64_t bias_columns) {
  Tail tail;
  tail.end = v;
  for (bool first = true;; first = false) {
    const NodeId n = index.OnlyReader(tail.end);
    if (n == kNoNode) break;
    float lo, hi;
    if (first && bias_columns > 0 && ReadBias(index, n, tail.end, bias_columns, &tail.bias)) {
      // nothing more to do
    } else if (ReadClamp(index, n, &lo, &hi) && index.graph.nodes[n].inputs[0] == tail.end) {
      tail.lo = Clamp(tail.lo, lo, hi);
      tail.hi = Clamp(tail.hi, lo, hi);
    } else {
      break;
    }
    tail.nodes.push_back(n);
    tail.end = index.graph.nodes[n].outputs[0];
  }
  if (index.is_output[tail.end]) return tail;
  for (NodeId n : index.consumers[tail.end]) {
    const std::optional<QParams> params = QuantizerParams(index.graph, n);
    if (!params || (tail.quantized() && !(*params == tail.params))) {
      tail.quantizers.clear();
      break;
    }
    tail.params = *params;
    tail.quantizers.push_back(n);
  }
  return tail;
}

uint8_t QuantizeByte(float x, const QParams& params) {
  return static_cast<uint8_t>(QuantizeValue(x / params.scale, params.zero, IntegerRange{0, 255}));
}

float DequantizeByte(int32_t q, const QParams& params) { return static_cast<float>(q - params.zero) * params.scale; }

}  // namespace octavo
