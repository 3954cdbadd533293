#include "core/plan/specialize.h"

#include <cstring>
#include <utility>

#include "core/base/checked.h"
#include "core/graph/operator.h"
#include "core/plan/qdq.h"

namespace octavo {
namespace {

bool IsConstant(const Graph& graph, ValueId v) { return v == kNoValue || graph.values[v].constant.has_value(); }

bool HasConstantInputs(const Graph& graph, const Node& node) {
  for (ValueId v : node.inputs) {
    if (!IsConstant(graph, v)) return false;
  }
  return true;
}

bool IsKnown(const Value& value) { return value.dtype != DType::kUndefined && value.shape && value.shape->IsKnown(); }

// Shape and Size look at their input's shape and never at its contents.
bool ReadsShapeOnly(const Graph& graph, const Node& node) {
  return node.domain.empty() && (node.op_type == "Shape" || node.op_type == "Size") && node.has_input(0) &&
         IsKnown(graph.values[node.inputs[0]]);
}

class Folder {
 public:
  Folder(Graph& graph, const MemoryPtr& memory) : graph_(graph), memory_(memory), opset_(graph.opset()) {}

  Status Infer(NodeId n) {
    const Node& node = graph_.nodes[n];
    InferContext context(graph_, n, opset_);
    OCTAVO_RETURN_IF_ERROR(node.op->infer(context).Within(Label(graph_, n)));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      Value& value = graph_.values[node.outputs[i]];
      value.dtype = context.results()[i].dtype;
      value.shape = context.results()[i].shape;
    }
    return Ok();
  }

  // Whether the node is gone: all its outputs are constants now.
  Result<bool> Fold(NodeId n) {
    const Node& node = graph_.nodes[n];
    const bool shape_only = ReadsShapeOnly(graph_, node);
    if (!shape_only && (node.op->data_dependent || !HasConstantInputs(graph_, node))) return false;
    uint64_t bytes = 0;
    for (ValueId v : node.outputs) {
      if (v == kNoValue) continue;
      const Value& value = graph_.values[v];
      if (!IsKnown(value)) return false;
      OCTAVO_ASSIGN_OR_RETURN(const int64_t elements, CheckedElements(*value.shape, value.dtype));
      if (!CheckedAdd(bytes, static_cast<uint64_t>(BytesFor(elements, value.dtype)), &bytes)) return false;
    }
    // Dequantized weights are at most eight times what the file holds; everything else is held to the quota.
    if (!IsDequantizeLinear(node)) {
      if (bytes > memory_->limits().fold_bytes - folded_bytes_) return false;
      folded_bytes_ += bytes;
    }
    std::vector<Tensor> inputs(node.inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      const Value& value = graph_.values[node.inputs[i]];
      if (value.constant) {
        inputs[i] = *value.constant;
      } else {
        const size_t size = BytesFor(value.shape->Elements(), value.dtype);
        OCTAVO_ASSIGN_OR_RETURN(inputs[i], Tensor::Wrap(value.dtype, *value.shape, nullptr, size, nullptr));
      }
    }
    std::vector<Tensor> outputs;
    OCTAVO_RETURN_IF_ERROR(EvaluateNode(node, opset_, inputs, memory_, &outputs).Within(Label(graph_, n)));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) graph_.values[node.outputs[i]].constant = std::move(outputs[i]);
    }
    return true;
  }

 private:
  Graph& graph_;
  const MemoryPtr& memory_;
  const int64_t opset_;
  uint64_t folded_bytes_ = 0;
};

}  // namespace

Result<Specialized> Specialize(const Graph& graph, std::span<const Shape> inputs, const MemoryPtr& memory) {
  Specialized result{graph, {}, {}};
  Graph& g = result.graph;
  if (inputs.size() != g.inputs.size()) {
    return Error(Code::kInvalidArgument, "%zu input shapes for a graph with %zu inputs", inputs.size(),
                 g.inputs.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) g.values[g.inputs[i]].shape = inputs[i];

  Folder folder(g, memory);
  std::vector<bool> gone(g.nodes.size(), false);
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    OCTAVO_RETURN_IF_ERROR(folder.Infer(n));
    OCTAVO_ASSIGN_OR_RETURN(gone[n], folder.Fold(n));
  }
  std::vector<Node> kept;
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    if (gone[n]) {
      for (ValueId v : g.nodes[n].outputs) {
        if (v != kNoValue) result.folded.push_back(v);
      }
    } else {
      kept.push_back(std::move(g.nodes[n]));
      result.origin.push_back(n);
    }
  }
  g.nodes = std::move(kept);
  return result;
}

Result<Graph> FoldConstants(Graph graph, bool dequantize, const MemoryPtr& memory) {
  Folder folder(graph, memory);
  std::vector<bool> gone(graph.nodes.size(), false);
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    OCTAVO_RETURN_IF_ERROR(folder.Infer(n));
    if (!dequantize && IsDequantizeLinear(graph.nodes[n])) continue;
    OCTAVO_ASSIGN_OR_RETURN(gone[n], folder.Fold(n));
  }
  std::vector<Node> kept;
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    if (!gone[n]) kept.push_back(std::move(graph.nodes[n]));
  }
  graph.nodes = std::move(kept);
  return graph;
}

}  // namespace octavo
