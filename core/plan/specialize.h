// Graph -> Graph: the same network for concrete input shapes.
#ifndef OCTAVO_CORE_PLAN_SPECIALIZE_H_
#define OCTAVO_CORE_PLAN_SPECIALIZE_H_

#include <span>
#include <vector>

#include "core/base/memory.h"
#include "core/graph/graph.h"

namespace octavo {

struct Specialized {
  Graph graph;
  std::vector<NodeId> origin;   // by node: its number in the graph that was specialized
  std::vector<ValueId> folded;  // values that became constants here
};

// Infers every value in one walk and evaluates on the way what depends on constants and shapes only. Nodes evaluated
// disappear. Value numbers stay. `inputs`: one shape per graph input, fitting what the graph declares.
Result<Specialized> Specialize(const Graph& graph, std::span<const Shape> inputs, const MemoryPtr& memory);

// Infers every value and evaluates nodes that have constant inputs only. `dequantize`: DequantizeLinear of constants,
// too, because a float kernel wants its weights once and not in every run.
Result<Graph> FoldConstants(Graph graph, bool dequantize, const MemoryPtr& memory);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_SPECIALIZE_H_
