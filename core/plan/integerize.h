// Graph -> Graph: the patterns DequantizeLinear -> operator -> QuantizeLinear, and their relatives of other tools,
// become exact integer operators of the domain kInternalDomain.
//
// What the result computes differs from the literal float evaluation of the given graph by the rounding of sums only:
// by at most one step of an activation, once per operator. Whatever matches no pattern stays as it is.
#ifndef OCTAVO_CORE_PLAN_INTEGERIZE_H_
#define OCTAVO_CORE_PLAN_INTEGERIZE_H_

#include <vector>

#include "core/base/memory.h"
#include "core/graph/graph.h"
#include "core/plan/program.h"

namespace octavo {

struct Integerized {
  Graph graph;
  std::vector<NodeDecision> decisions;  // of every node but QuantizeLinear and DequantizeLinear, in the order of nodes
};

// Needs a resolved graph. Activations of the result are uint8 everywhere: int8 ones are shifted by 128.
Result<Integerized> Integerize(const Graph& graph, const MemoryPtr& memory);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_INTEGERIZE_H_
