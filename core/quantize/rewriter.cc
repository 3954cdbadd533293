#include "core/quantize/rewriter.h"

#include <algorithm>

#include "core/ops/table.h"

namespace octavo {
namespace {

// The file format version that first had an operator set (ONNX, docs/Versioning.md).
int64_t IrVersionFor(int64_t opset) {
  constexpr std::pair<int64_t, int64_t> kFirst[] = {{13, 7}, {15, 8}, {19, 9}, {21, 10}, {23, 11}, {24, 12}, {25, 13}};
  int64_t version = 7;
  for (const auto& [first_opset, ir_version] : kFirst) {
    if (opset >= first_opset) version = ir_version;
  }
  return version;
}

std::string Unique(const std::string& base, std::unordered_set<std::string>& taken) {
  std::string name = base;
  for (size_t i = 1; !taken.insert(name).second; ++i) name = base + "_" + std::to_string(i);
  return name;
}

}  // namespace

Rewriter::Rewriter(const Graph& source, MemoryPtr memory) : graph_(source), memory_(std::move(memory)) {
  graph_.nodes.clear();
  for (const Value& value : graph_.values) value_names_.insert(value.name);
}

ValueId Rewriter::NewValue(const std::string& base, DType dtype) {
  return graph_.AddValue(Unique(base, value_names_), dtype);
}

ValueId Rewriter::NewConstant(const std::string& base, Tensor tensor) {
  return graph_.AddConstant(Unique(base, value_names_), std::move(tensor));
}

void Rewriter::Emit(std::string op_type, std::string name, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
                    std::vector<Attribute> attributes) {
  Node node;
  node.op_type = std::move(op_type);
  node.name = std::move(name);
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  node.attributes = std::move(attributes);
  Emit(std::move(node));
}

void Rewriter::Emit(Node node) {
  if (!node.name.empty()) node.name = Unique(node.name, node_names_);
  graph_.nodes.push_back(std::move(node));
}

Result<Graph> Rewriter::Finish() {
  // Nodes that make the same constant anew for several readers would have one name; other runtimes want them different.
  std::unordered_set<std::string> seen;
  for (Node& node : graph_.nodes) {
    if (node.name.empty() || seen.insert(node.name).second) continue;
    const std::string base = node.name;
    for (size_t i = 1; !seen.insert(node.name).second; ++i) node.name = base + "_" + std::to_string(i);
  }
  graph_.ir_version = std::max(graph_.ir_version, IrVersionFor(graph_.opset()));
  Graph graph = Compacted(std::move(graph_));
  OCTAVO_RETURN_IF_ERROR(Resolve(graph, FindOperator, memory_->limits()));
  return graph;
}

}  // namespace octavo
