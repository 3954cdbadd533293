// What surrounds a node: who reads its result, and what an integer operator can take in behind it.
#ifndef OCTAVO_CORE_PLAN_TAIL_H_
#define OCTAVO_CORE_PLAN_TAIL_H_

#include <optional>
#include <vector>

#include "core/graph/graph.h"
#include "core/kernels/kernels.h"
#include "core/plan/qdq.h"

namespace octavo {

// A graph with its connections.
struct GraphIndex {
  explicit GraphIndex(const Graph& source);

  const Graph& graph;
  const std::vector<NodeId> producers;
  const std::vector<std::vector<NodeId>> consumers;
  std::vector<bool> is_output;

  // The only reader of a value that nobody else sees.
  NodeId OnlyReader(ValueId v) const { return consumers[v].size() == 1 && !is_output[v] ? consumers[v][0] : kNoNode; }
  bool IsConstant(ValueId v) const { return v != kNoValue && graph.values[v].constant.has_value(); }
};

// The operators behind a value that become bounds, up to the QuantizeLinear nodes that read the result.
struct Tail {
  std::vector<NodeId> nodes;  // Add of a bias, Relu, Clip
  ValueId bias = kNoValue;
  ValueId end = kNoValue;  // the float value behind them
  float lo = kNoLow, hi = kNoHigh;
  std::vector<NodeId> quantizers;  // all readers of `end`, if all quantize it alike to 8 bit; else none
  QParams params;                  // theirs

  bool quantized() const { return !quantizers.empty(); }
  // lo and hi in steps of `params`. Rounding being monotone, clamping before it or behind it is the same.
  void Bounds(uint8_t* q_lo, uint8_t* q_hi) const;
};

// With `bias_columns` > 0, v may first have a constant of so many columns added.
Tail FollowTail(const GraphIndex& index, ValueId v, int64_t bias_columns = 0);

// Parameters of node n if it is a QuantizeLinear to 8 bit, for whole tensors, with constants.
std::optional<QParams> QuantizerParams(const Graph& graph, NodeId n);

// A float constant, or a constant behind a DequantizeLinear.
bool IsConstantBias(const GraphIndex& index, ValueId v);

// x / scale to the nearest step, and back.
uint8_t QuantizeByte(float x, const QParams& params);
float DequantizeByte(int32_t q, const QParams& params);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_TAIL_H_
