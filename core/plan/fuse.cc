#include "core/plan/fuse.h"

#include <cmath>
#include <utility>

#include "core/graph/operator.h"
#include "core/ops/integer.h"

namespace octavo {
namespace {

bool IsInternal(const Node& node, const char* op) { return node.domain == kInternalDomain && node.op_type == op; }

bool IsKnown(const Value& value) { return value.shape && value.shape->IsKnown(); }

// The kernels for groups side by side have no residual.
bool IsGrouped(const Graph& graph, const Node& node) { return NodeReader(node, graph.opset()).Int("group", 1) > 1; }

// What kernels take as a residual's numbers: with more, sums may leave int32.
bool IsSmall(float multiplier) { return std::fabs(multiplier) <= 0x1p20f; }

}  // namespace

void FuseResiduals(Specialized* specialized) {
  Graph& graph = specialized->graph;
  const std::vector<NodeId> producers = Producers(graph);
  std::vector<size_t> readers(graph.values.size(), 0);
  for (const Node& node : graph.nodes) {
    for (ValueId v : node.inputs) {
      if (v != kNoValue) ++readers[v];
    }
  }
  for (ValueId v : graph.outputs) ++readers[v];

  std::vector<bool> gone(graph.nodes.size(), false);
  // Whether the maker of `v` can take in the addition that makes `sum`.
  const auto takes = [&](ValueId v, ValueId sum) {
    const NodeId maker = producers[v];
    if (maker == kNoNode || gone[maker] || readers[v] != 1) return false;
    const Node& node = graph.nodes[maker];
    if (!IsInternal(node, "QConv") || IsGrouped(graph, node)) return false;
    if (node.has_input(kProductResidual) || ReadQProduct(NodeReader(node, graph.opset())).is_float) return false;
    return IsKnown(graph.values[v]) && IsKnown(graph.values[sum]) && *graph.values[v].shape == *graph.values[sum].shape;
  };
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    const Node add = graph.nodes[n];
    if (!IsInternal(add, "QAdd")) continue;
    const ValueId sum = add.outputs[0];
    // Of two candidates the later one: the other's result is waiting by then.
    size_t at = 2;
    for (size_t i = 0; i < 2; ++i) {
      const ValueId other = add.inputs[1 - i];
      if (!takes(add.inputs[i], sum) || !IsKnown(graph.values[other]) ||
          !(*graph.values[other].shape == *graph.values[sum].shape)) {
        continue;
      }
      if (at == 2 || producers[add.inputs[i]] > producers[add.inputs[at]]) at = i;
    }
    QAddArgs args = ReadQAdd(NodeReader(add, graph.opset()));
    if (at == 2 || !IsSmall(args.a_multiplier) || !IsSmall(args.b_multiplier)) continue;
    const NodeId maker = producers[add.inputs[at]];
    if (at == 1) {  // operand a is the product's; floats add the same either way
      std::swap(args.a_zero, args.b_zero);
      std::swap(args.a_multiplier, args.b_multiplier);
    }
    Node fused = graph.nodes[maker];
    fused.name = fused.name + " + " + add.name;
    fused.inputs.resize(kProductInputs, kNoValue);
    fused.inputs[kProductResidual] = add.inputs[1 - at];
    fused.outputs = add.outputs;
    for (Attribute& attribute : AttributesOf(args, "add_")) fused.attributes.push_back(std::move(attribute));
    graph.nodes[n] = std::move(fused);
    specialized->origin[n] = specialized->origin[maker];
    gone[maker] = true;
  }
  std::vector<Node> nodes;
  std::vector<NodeId> origin;
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    if (gone[n]) continue;
    nodes.push_back(std::move(graph.nodes[n]));
    origin.push_back(specialized->origin[n]);
  }
  graph.nodes = std::move(nodes);
  specialized->origin = std::move(origin);
}

}  // namespace octavo
