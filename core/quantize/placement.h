// Placement: which nodes become INT8, in which groups, and which values get a QuantizeLinear/DequantizeLinear pair.
// Decided from the graph and the recipe alone; statistics come later.
#ifndef OCTAVO_CORE_QUANTIZE_PLACEMENT_H_
#define OCTAVO_CORE_QUANTIZE_PLACEMENT_H_

#include <string>
#include <vector>

#include "core/graph/operator.h"
#include "core/quantize/quantize.h"
#include "core/quantize/recipe.h"

namespace octavo {

// Nodes that run as one integer step: no Q/DQ between them.
//   kWeighted    Conv, Gemm, MatMul [+ Add of a constant bias] [+ Relu or Clip]
//   kArithmetic  Add, Mul, BatchNormalization, AveragePool, ... [+ Relu or Clip]
//   kTable       element-wise nodes whose result depends on one value only: x * Sigmoid(x), Clip(x + 3) / 6, ...
//   kMove, kJoin one node
struct Unit {
  QuantRule rule = QuantRule::kNone;
  std::vector<NodeId> nodes;    // the first is the one that names the rule
  std::vector<ValueId> inputs;  // what it reads as 8-bit values; weights and parameters excluded
  ValueId output = kNoValue;
  bool int8 = false;
  std::string reason, sentence;  // why not
};

struct Placement {
  std::vector<Unit> units;          // in the graph's order of their last nodes
  std::vector<int> unit_of;         // by node; -1: none
  std::vector<bool> quantized;      // by value: gets a Q/DQ pair
  std::vector<ValueId> params_of;   // by value: the value whose parameters it shares (itself if its own)
  std::vector<Decision> decisions;  // by node
};

// A rule of the recipe that matches no node is kInvalidData.
Result<Placement> Place(const Graph& graph, const Recipe& recipe);

// The axis of a weighted node's weights that counts output channels; -1 where no single axis does (grouped
// ConvTranspose).
int OutputChannelAxis(const Node& node);

// The rule in force for one node: later rules win, field by field.
NodeRule RuleFor(const Recipe& recipe, const Node& node);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_PLACEMENT_H_
